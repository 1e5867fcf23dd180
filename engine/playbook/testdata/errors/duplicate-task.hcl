play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x"
  }
  task "copy" "motd" { # ERROR: Duplicate task
    path = "/y"
  }
}
