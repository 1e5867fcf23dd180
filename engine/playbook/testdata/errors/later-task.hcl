play "site" {
  hosts = "all"
  task "command" "c" {
    when = task.copy.motd.changed # ERROR: Reference to a later task
    argv = ["true"]
  }
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x"
  }
}
