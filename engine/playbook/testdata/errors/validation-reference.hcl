variable "m" {}
variable "n" {
  validation {
    condition     = var.m > 1 # ERROR: Invalid reference
    error_message = "No."
  }
}
play "site" {
  hosts = "all"
  task "copy" "motd" {
    path    = "/etc/motd"
  }
}
