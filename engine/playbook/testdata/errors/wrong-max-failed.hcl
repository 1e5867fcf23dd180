play "site" {
  hosts = "all"
  rollout {
    max_failed = "200%" # ERROR: Invalid value
  }
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
