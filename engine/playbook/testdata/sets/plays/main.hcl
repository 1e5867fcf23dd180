play "p" { hosts = "all" }
