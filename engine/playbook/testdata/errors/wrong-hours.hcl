play "site" {
  hosts = "all"
  rollout {
    gate "window" { hours = "22-4" } # ERROR: Invalid value
  }
}
