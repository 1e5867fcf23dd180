play "site" { # ERROR: Missing argument
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
