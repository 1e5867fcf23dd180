play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    contents = "x" # ERROR: Unknown argument
  }
}
