play "site" {
  hosts = "all"
  use "web" { source = "../sets/dup" }
}
# NOWHERE: Duplicate output
