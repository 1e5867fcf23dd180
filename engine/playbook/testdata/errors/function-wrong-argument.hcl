play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = upper(["x"]) # ERROR: Invalid function argument
  }
}
