variable "n" {
  default = var.m # ERROR: Variables not allowed
}
variable "m" {}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
