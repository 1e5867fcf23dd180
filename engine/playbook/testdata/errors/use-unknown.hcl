play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/web"
    port   = 8080
  }
  task "copy" "note" {
    path    = "/etc/note"
    content = use.wbe.path # ERROR: Unknown use
  }
}
