play "site" {
  hosts = "all"
  task "service" "s" {
    enabled = "perhaps" # ERROR: Wrong type of value
  }
}
