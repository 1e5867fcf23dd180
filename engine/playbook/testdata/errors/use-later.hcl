play "site" {
  hosts = "all"
  task "copy" "note" {
    path    = "/etc/note"
    content = use.web.path # ERROR: Reference to a later use
  }
  use "web" {
    source = "../sets/web"
    port   = 8080
  }
}
