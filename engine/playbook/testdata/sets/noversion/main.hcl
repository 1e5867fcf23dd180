task "copy" "conf" { path = "/etc/x" }
