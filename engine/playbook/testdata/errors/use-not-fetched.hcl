play "site" {
  hosts = "all"
  use "web" {
    source  = "git::https://git.example.com/roles.git//web" # ERROR: Source not fetched
    version = "~> 1.2"
  }
}
