locals {
  a = local.b # ERROR: Cycle in local values
  b = "${local.c}x"
  c = local.a
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
