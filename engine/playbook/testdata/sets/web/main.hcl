ferry { version = "1.1.0" }
variable "port" {
  type        = number
  description = "Port the server listens on."
  validation {
    condition     = var.port > 1023
    error_message = "Ports below 1024 need root."
  }
}
variable "content" { default = "x" }
task "copy" "conf" {
  path    = "/etc/web.conf"
  content = "${var.content} ${var.port}"
}
output "path" { value = "/etc/web.conf" }
