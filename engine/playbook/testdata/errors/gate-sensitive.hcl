variable "token" {
  type      = string
  sensitive = true
}
play "p" {
  hosts = "all"
  rollout {
    batches = ["1"]
    gate "approval" {
      message = "look with ${var.token}" # ERROR: Sensitive value not allowed here
    }
  }
}
