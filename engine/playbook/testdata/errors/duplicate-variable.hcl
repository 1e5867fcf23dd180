variable "a" {}
variable "a" {} # ERROR: Duplicate variable
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
