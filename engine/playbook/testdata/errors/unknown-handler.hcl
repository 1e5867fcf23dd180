play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
    content = "x"
    notify = [handler.service.ngnix] # ERROR: Unknown handler
  }
  handler "service" "nginx" { state = "running" }
}
