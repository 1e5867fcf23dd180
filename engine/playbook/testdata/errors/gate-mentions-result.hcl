play "site" {
  hosts = "all"
  rollout {
    gate "check" {
      check "port" "x" {
        port = 80
        when = task.copy.a.changed # ERROR: Reference not possible here
      }
    }
  }
  task "copy" "a" {
    path    = "/srv/x"
    content = "x"
  }
}
