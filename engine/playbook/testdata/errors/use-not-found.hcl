play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/wbe" # ERROR: Directory not found
    port   = 8080
  }
}
