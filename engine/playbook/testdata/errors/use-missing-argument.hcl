play "site" {
  hosts = "all"
  use "web" { # ERROR: Missing argument
    source = "../sets/web"
  }
}
