# Nothing counts as done because a command said so: look at the host again.

play "prove" {
  hosts  = var.hosts
  become = true

  check "os_release" "openeuler" { id = "openEuler" }

  check "packages" "no_leftovers" {
    forbid_dist   = [".el6", ".el7", ".el8", ".el9"]
    except        = concat(var.keep, var.accept_third_party, ["kernel", "kernel-*"]) # old kernels stay to fall back to
    no_duplicates = true
    no_broken     = true
  }

  check "command" "kernel" {
    title = "The running kernel is one of the target's, where the host boots a kernel of its own"
    argv  = ["/bin/sh", "-c", "rpm -q kernel >/dev/null 2>&1 || exit 0; uname -r | grep -q '\\.oe[0-9]'"]
    cure  = "The boot loader still starts the old kernel. Look at its default entry:\n    grubby --default-kernel"
  }

  check "command" "rpm_database" {
    title              = "The rpm database can be read and written"
    argv               = ["/bin/sh", "-c", "rpm -qa 2>&1 >/dev/null; :"]
    stdout_not_matches = "."
    cure               = "rpm warns about its database. Convert it with the module rpm_db."
  }

  check "service" "sshd" {
    running = ["sshd"]
    enabled = ["sshd"]
  }

  check "baseline" "before" {
    description = "Ports, services, mounts, users, cron jobs and kernel settings are as they were"
  }

  task "command" "record" {
    argv      = ["cat", "/var/lib/ferry/migration.json"]
    read_only = true
  }

  task "shell" "pages" {
    description = "Fingerprints of what the host serves now"
    read_only   = true
    script      = join("\n", concat(["set -e"], [for u in var.pages : "curl -fsS --max-time 20 -o /dev/null '${u}'; printf '%s ' '${u}'; curl -fsS --max-time 20 '${u}' | sha256sum"]))
  }

  task "assert" "pages" {
    that    = task.shell.pages.stdout == jsondecode(task.command.record.stdout).pages
    message = "${host.name} serves other bytes than before the migration. Before:\n${jsondecode(task.command.record.stdout).pages}\nNow:\n${task.shell.pages.stdout}"
  }

  task "print" "summary" {
    value = join("\n", [
      "system        ${jsondecode(task.command.record.stdout).os} -> ${facts.os_name}",
      "kernel        ${jsondecode(task.command.record.stdout).kernel} -> ${facts.kernel}",
      "glibc         ${jsondecode(task.command.record.stdout).glibc} -> ${facts.glibc}",
      "systemd       ${jsondecode(task.command.record.stdout).systemd} -> ${facts.systemd}",
      "rpm database  ${jsondecode(task.command.record.stdout).rpm_db} -> ${facts.rpm_db}",
      "pages         ${length(var.pages) == 0 ? "none declared" : "${length(var.pages)} the same as before"}",
    ])
  }
}
