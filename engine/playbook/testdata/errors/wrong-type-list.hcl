play "site" {
  hosts = "all"
  task "command" "c" {
    argv = { a = 1 } # ERROR: Wrong type of value
  }
}
