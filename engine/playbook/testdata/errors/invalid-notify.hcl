play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x"
    notify = ["nginx"] # ERROR: Invalid reference
  }
}
