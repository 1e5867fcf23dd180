play "site" {
  hosts = "all"
  rollout {
    order = "sortd" # ERROR: Invalid value
  }
}
