variable "n" {
  type = strng # ERROR: Unknown type
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
