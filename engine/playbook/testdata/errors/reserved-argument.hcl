play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    delegate_to = "x" # ERROR: Reserved argument
  }
}
