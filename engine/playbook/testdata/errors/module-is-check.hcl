play "site" {
  hosts = "all"
  task "port" "ssh" { # ERROR: Unknown module
    port = 22
  }
}
