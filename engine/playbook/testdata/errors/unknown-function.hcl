play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = uper("x") # ERROR: Unknown function
  }
}
