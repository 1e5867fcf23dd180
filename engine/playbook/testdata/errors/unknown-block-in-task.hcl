play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    retries { # ERROR: Unknown block
      attempts = 3
    }
  }
}
