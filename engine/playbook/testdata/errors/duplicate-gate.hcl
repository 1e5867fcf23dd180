play "site" {
  hosts = "all"
  rollout {
    gate "soak" { wait = "30m" }
    gate "soak" { wait = "10m" } # ERROR: Duplicate gate
  }
}
