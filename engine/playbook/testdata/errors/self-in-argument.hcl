play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = self.changed # ERROR: Reference not possible here
  }
}
