variable "release" { type = string }
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = var.relese # ERROR: Unknown variable
  }
}
