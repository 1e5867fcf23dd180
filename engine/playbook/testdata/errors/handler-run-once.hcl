play "site" {
  hosts = "all"
  handler "copy" "a" {
    path     = "/srv/x"
    content  = "x"
    run_once = true # ERROR: Invalid combination of arguments
  }
}
