variable "t" { type = string }
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    timeout = var.t # ERROR: Constant expected
  }
}
