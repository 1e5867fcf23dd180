play "site" {
  hosts = "all"
  rollout {
    spread "rack" {
      key = facts.arch # ERROR: Reference not possible here
    }
  }
}
