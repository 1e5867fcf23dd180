play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = host.nam # ERROR: Unknown host attribute
  }
}
