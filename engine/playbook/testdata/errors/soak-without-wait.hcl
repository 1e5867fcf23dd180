play "site" {
  hosts = "all"
  rollout {
    gate "soak" { after = [1] } # ERROR: Missing argument
  }
}
