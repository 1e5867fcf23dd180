stack "nginx" { source = "../stacks/nginx" }
play "site" {
  hosts = "all"
  call "detect" {} # ERROR: Hook not to be called
}
