play "site" {
  hosts = "all"
  use "web" {
    source = "../sets/empty" # ERROR: Empty directory
  }
}
