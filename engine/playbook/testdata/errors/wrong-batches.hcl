play "site" {
  hosts = "all"
  rollout {
    batches = ["1", "many"] # ERROR: Invalid value
  }
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
