stack "x" {}
hook "detect" {
  task "command" "a" { argv = ["true"] }
}
hook "drain" {
  task "command" "a" { argv = ["true"] }
  task "command" "b" { argv = [task.command.c.changed] }
}
hook "drain" {}
