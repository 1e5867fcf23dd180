play "site" {
  hosts = "all"
  rollout {
    gate "aproval" { after = [1] } # ERROR: Unknown gate
  }
}
