play "site" {
  hosts = "all"
  use "web" {
    source  = "../sets/web"
    version = "~> 1.2" # ERROR: Wrong version
    port    = 8080
  }
}
