stack "nginx" { source = "../stacks/nginx" }
play "site" {
  hosts = "all"
  call "drian" {} # ERROR: Unknown hook
}
