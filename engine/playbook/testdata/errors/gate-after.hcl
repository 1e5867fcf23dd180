play "site" {
  hosts = "all"
  rollout {
    gate "approval" { after = [-1] } # ERROR: Invalid value
  }
}
