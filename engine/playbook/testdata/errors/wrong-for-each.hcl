play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    for_each = "abc" # ERROR: Wrong type of value
  }
}
