play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    src = "files/motd" # ERROR: File not found
  }
}
