play "site" {
  hosts = "all"
  task "copy" "motd" {
    path = "/etc/motd # ERROR: String not closed
  }
}
