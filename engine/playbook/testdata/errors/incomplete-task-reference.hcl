play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x"
  }
  task "command" "c" {
    when = task.copy # ERROR: Incomplete reference
    argv = ["true"]
  }
}
