play "site" {
  hosts = "all"
  use "web" { source = "../sets/values" }
}
# NOWHERE: Values in a set
