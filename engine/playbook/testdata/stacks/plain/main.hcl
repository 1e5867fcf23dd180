task "command" "a" { argv = ["true"] }
