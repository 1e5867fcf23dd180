play "site" {
  hosts = "all"
  use "x" {
    source  = "../sets/noversion"
    version = ">= 1" # ERROR: No version
  }
}
