stack "nginx" { source = "../stacks/nginx" }
play "site" {
  hosts = "all"
  call "drain" { stacks = [stack.ngnix] } # ERROR: Unknown stack
  task "copy" "note" {
    path = "/etc/note"
    when = stack.nginks.present # ERROR: Unknown stack
  }
  task "copy" "two" {
    path = "/etc/note"
    when = stack.nginx.here # ERROR: Unknown attribute
  }
}
