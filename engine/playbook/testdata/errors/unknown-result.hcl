play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x"
  }
  task "command" "c" {
    when = task.copy.motd.chnged # ERROR: Unknown result
    argv = ["true"]
  }
}
