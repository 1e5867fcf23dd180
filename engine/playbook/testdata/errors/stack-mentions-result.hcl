stack "nginx" {
  source = "../stacks/nginx"
  port   = task.command.a.changed # ERROR: Reference not possible here
}
play "site" {
  hosts = "all"
  task "command" "a" { argv = ["true"] }
}
