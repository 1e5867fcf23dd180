play "site" {
  hosts = "all"
  task "copy" "motd" {
    path = # ERROR: Value expected
  }
}
