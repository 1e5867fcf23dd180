play "site" {
  hosts = "all"
  task "copy" "motd" {
    pth     = "/etc/motd" # ERROR: Unknown argument
    content = "x"
  }
}
