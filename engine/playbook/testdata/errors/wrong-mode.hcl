play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    mode = "rw-r--r--" # ERROR: Invalid value
  }
}
