play "site" {
  hosts = "all"
  use "web" { source = "../sets/plays" }
}
# NOWHERE: Unknown block
