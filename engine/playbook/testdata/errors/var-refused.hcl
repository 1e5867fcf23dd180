# VAR: n=1
variable "n" {
  type = number
  validation {
    condition     = var.n > 1 # ERROR: Invalid value for variable
    error_message = "At least two are needed."
  }
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
