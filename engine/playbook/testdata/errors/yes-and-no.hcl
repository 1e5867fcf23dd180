play "p" {
  hosts  = "all"
  become = yes # ERROR: Unknown reference
  task "copy" "motd" {
    path         = "/etc/motd"
    run_once     = no  # ERROR: Unknown reference
    changed_when = off # ERROR: Unknown reference
  }
}
