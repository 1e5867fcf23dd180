play "site" {
  hosts = "all"
  flush_handlers {
    when = true # ERROR: Unknown argument
  }
}
