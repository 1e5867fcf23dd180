variable "n" {
  type    = number
  default = "many" # ERROR: Wrong type of value
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
