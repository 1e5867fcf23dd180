play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = file("nothere.txt") # ERROR: Function failed
  }
}
