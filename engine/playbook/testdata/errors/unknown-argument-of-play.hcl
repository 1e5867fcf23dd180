play "site" {
  hosts = "all"
  parallel = 5 # ERROR: Unknown argument
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
