play "site" {
  hosts = "all"
  task "copy" { # ERROR: Wrong number of labels
    path = "/x"
  }
}
