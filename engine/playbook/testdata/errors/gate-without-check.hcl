play "site" {
  hosts = "all"
  rollout {
    gate "check" { on = "controller" } # ERROR: Empty gate
  }
}
