play "site" {
  hosts = "all"
  task "copy" "motd" { # ERROR: Block not closed
    path = "/etc/motd"
