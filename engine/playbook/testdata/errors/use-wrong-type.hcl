play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/web"
    port   = "many" # ERROR: Wrong type of value
  }
}
