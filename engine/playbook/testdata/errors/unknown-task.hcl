play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x"
  }
  task "command" "c" {
    when = task.copy.mott.changed # ERROR: Unknown task
    argv = ["true"]
  }
}
