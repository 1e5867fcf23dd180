play "site" {
  hosts = "all"
  task "service" "s" {
    state = "runing" # ERROR: Invalid value
  }
}
