stack "nginx" { source = "../stacks/nginx" }
play "site" {
  hosts = "all"
  call "backup" {} # ERROR: Unknown hook
}
