play "site" {
  hosts = "all"
  use "a" { source = "../sets/cycle" }
}
# NOWHERE: Cycle of sets
