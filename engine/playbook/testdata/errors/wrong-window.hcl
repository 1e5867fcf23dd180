play "site" {
  hosts = "all"
  rollout {
    gate "window" {
      days  = ["sat", "funday"] # ERROR: Invalid value
      hours = "22:00-04:00"
    }
  }
}
