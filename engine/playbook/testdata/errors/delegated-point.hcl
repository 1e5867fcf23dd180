play "site" {
  hosts = "all"
  task "copy" "a" {
    path        = "/srv/x"
    content     = "x"
    delegate_to = "controller"
    point_of_no_return = true # ERROR: Invalid combination of arguments
  }
}
