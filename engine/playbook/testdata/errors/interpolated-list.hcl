play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x ${["a"]}" # ERROR: Value is not text
  }
}
