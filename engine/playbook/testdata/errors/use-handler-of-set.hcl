play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/web"
    port   = 8080
  }
  task "copy" "note" {
    path   = "/etc/note"
    notify = [use.web.handler.service.nginx] # ERROR: Invalid reference
  }
}
