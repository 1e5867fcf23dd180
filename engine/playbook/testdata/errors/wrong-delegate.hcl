play "site" {
  hosts = "all"
  task "copy" "a" {
    path        = "/srv/x"
    content     = "x"
    delegate_to = ["lb1"] # ERROR: Wrong type of value
  }
}
