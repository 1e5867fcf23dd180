play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = facts.kernal # ERROR: Unknown fact
  }
}
