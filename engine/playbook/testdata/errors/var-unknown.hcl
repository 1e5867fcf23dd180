# VAR: relese=1
# NOWHERE: Unknown variable
variable "release" {}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
