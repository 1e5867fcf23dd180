play "site" {
  hosts = "all"
  use "web" { # ERROR: Missing argument
    port = 80
  }
}
