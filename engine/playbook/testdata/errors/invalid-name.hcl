play "site" {
  hosts = "all"
  task "copy" "the motd" { # ERROR: Invalid name
    path = "/x"
  }
}
