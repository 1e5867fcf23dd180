variable "name" { default = "x" }
task "copy" "conf" { path = "/etc/${var.name}" }
