play "site" {
  hosts = "all"
  task "coppy" "motd" { # ERROR: Unknown module
    path = "/etc/motd"
  }
}
