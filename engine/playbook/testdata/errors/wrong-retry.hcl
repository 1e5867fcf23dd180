play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    retry {
      backoff = 0.5 # ERROR: Invalid value
    }
  }
}
