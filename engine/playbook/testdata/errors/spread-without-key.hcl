play "site" {
  hosts = "all"
  rollout {
    spread "cluster" { limit = 1 } # ERROR: Missing argument
  }
}
