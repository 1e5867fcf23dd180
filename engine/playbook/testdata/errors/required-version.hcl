ferry {
  required_version = ">= 7.0" # ERROR: Wrong version of ferry
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
