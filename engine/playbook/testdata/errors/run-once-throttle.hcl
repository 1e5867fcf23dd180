play "site" {
  hosts = "all"
  task "copy" "x" {
    path     = "/srv/x"
    content  = "x"
    run_once = true
    throttle = 2 # ERROR: Invalid combination of arguments
  }
}
