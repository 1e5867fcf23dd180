play "site" {
  hosts = "all"
  task "copy" "motd" {
    path = "/a"
    path = "/b" # ERROR: Duplicate argument
  }
}
