play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/web"
    port   = 80 # ERROR: Invalid value for variable
  }
}
