play "site" {
  hosts = "all"
  use "web" { source = "../sets/reserved" }
}
# NOWHERE: Reserved name
