# VAR: ports=many
# NOWHERE: Invalid --var
variable "ports" { type = list(number) }
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
