play "site" {
  hosts = "all"
  task "copy" "motd" { # ERROR: Missing argument
    content = "x"
  }
}
