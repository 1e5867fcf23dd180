play "site" {
  hosts = "all"
  rollout {
    parallel = 0 # ERROR: Invalid value
  }
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
