play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = replace("x", "y") # ERROR: Missing function argument
  }
}
