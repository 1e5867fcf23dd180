play "site" {
  hosts = "all"
  use "web" {
    source = "sets/web" # ERROR: Invalid source
  }
}
