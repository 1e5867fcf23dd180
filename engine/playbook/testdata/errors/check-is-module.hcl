play "site" {
  hosts = "all"
  check "service" "sshd" { # ERROR: Unknown module
    state = "running"
  }
}
