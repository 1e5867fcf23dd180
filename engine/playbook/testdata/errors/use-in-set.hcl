variable "release" { default = "22.03" }
play "site" {
  hosts = "all"
  use "a" {
    source = "../sets/broken"
    name   = "x"
  }
  use "b" {
    source = "../sets/broken"
    name   = "y"
  }
}
# NOWHERE: Unknown variable
# NOWHERE: Unknown argument
# NOWHERE: Unknown task
# NOWHERE: Unknown handler
# NOWHERE: Unknown path
# NOWHERE: Missing argument
