play "site" {
  hosts = "all"
  task "command" "c" {
    argv = ["echo", ["x"]] # ERROR: Wrong type of value
  }
}
