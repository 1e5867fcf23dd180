play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    when = "yes please" # ERROR: Wrong type of value
  }
}
