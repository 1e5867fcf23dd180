ferry {
  required_version = "newest" # ERROR: Invalid version constraint
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
