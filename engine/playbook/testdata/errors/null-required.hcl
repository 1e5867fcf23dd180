play "site" {
  hosts = "all"
  task "copy" "motd" {
    path = null # ERROR: Missing argument
  }
}
