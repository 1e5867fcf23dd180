variable "source" {}
