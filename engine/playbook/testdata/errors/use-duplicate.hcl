play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/web"
    port   = 8080
  }
  use "web" { # ERROR: Duplicate use
    source = "../sets/web"
    port   = 8081
  }
}
