# NOWHERE: Empty playbook
variable "n" {}
