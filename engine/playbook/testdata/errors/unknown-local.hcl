locals { base = "x" }
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = local.bas # ERROR: Unknown local value
  }
}
