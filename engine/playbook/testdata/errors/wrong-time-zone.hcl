play "site" {
  hosts = "all"
  rollout {
    gate "window" {
      hours     = "22:00-04:00"
      time_zone = "Asia/Shangai" # ERROR: Invalid value
    }
  }
}
