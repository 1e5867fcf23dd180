play "site" {
  hosts = "all"
  task "command" "c" {
    argv = ["true"]
    wait = "5 minutes" # ERROR: Invalid value
  }
}
