play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
play "site" { # ERROR: Duplicate play
  hosts = "all"
}
