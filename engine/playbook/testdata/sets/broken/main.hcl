variable "name" {}
locals { caller = var.release }
task "copy" "conf" {
  path    = "/etc/web.conf"
  contnt  = task.copy.missing.changed
  notify  = [handler.service.nginx]
}
output "path" { value = path.playbook }
output "late" {}
