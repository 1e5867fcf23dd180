play "site" {
  hosts = "all"
  task "command" "c" {
    argv    = ["true"]
    retries = "many" # ERROR: Wrong type of value
  }
}
