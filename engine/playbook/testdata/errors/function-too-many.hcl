play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = upper("x", "y") # ERROR: Too many function arguments
  }
}
