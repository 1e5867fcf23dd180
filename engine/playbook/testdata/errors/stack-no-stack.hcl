play "site" {
  hosts = "all"
  call "drain" {} # ERROR: No stacks
}
