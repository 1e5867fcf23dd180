variable "password" {
  type      = string
  sensitive = true
}
play "site" {
  hosts = "all"
  task "command" "c" {
    argv = ["login", var.password] # ERROR: Sensitive value not allowed here
  }
}
