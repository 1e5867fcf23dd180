play "site" {
  hosts = "all"
  task "command" "c" {
    argv    = ["true"]
    retries = "a" + 1 # ERROR: Wrong type of value
  }
}
