play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = item.name # ERROR: Unknown reference
  }
}
