locals { m = { a = 1 } }
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = local.m.b # ERROR: Unknown attribute
  }
}
