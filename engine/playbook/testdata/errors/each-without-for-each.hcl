play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = each.key # ERROR: Reference not possible here
  }
}
