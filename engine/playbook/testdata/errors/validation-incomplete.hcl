variable "n" {
  validation { # ERROR: Missing argument
    condition = var.n > 1
  }
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
