plays "x" { # ERROR: Unknown block
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
