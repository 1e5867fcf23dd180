stack "nginx" { description = "The web server." }
variable "port" { default = 80 }
hook "detect" {
  check "port" "http" { port = var.port }
}
hook "drain" {
  task "command" "drain" { argv = ["nginx", "-s", "quit"] }
}
hook "start" {
  task "service" "nginx" { state = "running" }
}
