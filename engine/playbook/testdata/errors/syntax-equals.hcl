play "site" {
  hosts = "all"
  task "copy" "motd" {
    path "/etc/motd" # ERROR: Argument or block expected
  }
}
