play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/web"
    prot   = 8080 # ERROR: Unknown argument
  }
}
