# What must be true before a host is touched. Nothing here changes the host but
# for two records under /var/lib/ferry: how the host was, for the comparison at
# the end.

play "preflight" {
  description = "Look for what would stop or spoil the migration"
  hosts       = var.hosts
  become      = true

  # A transaction that was killed can leave the rpm database shut.
  task "rpm_db" "readable" {
    convert = false
    tags    = ["always"]
  }

  # A host on which the transaction was started is not looked at as if it had not
  # been: what is half done is completed by the play "migrate".
  task "shell" "started" {
    read_only = true
    tags      = ["always"]
    script    = local.started_script
  }

  check "command" "supported" {
    title = "This playbook migrates hosts that have dnf, systemd and an EL 8 userland"
    argv  = ["/bin/sh", "-c", "command -v dnf && command -v systemctl && command -v chroot"]
    cure  = "EL 7 hosts need dnf from EPEL first; EL 6 hosts are replaced, not migrated in place."
  }

  check "mounts" "space" {
    min_free_mb = { "/" = 1024, "/var" = 1024, "/boot" = 100 }
    when        = !local.arrived && task.shell.started.stdout == ""
  }

  check "mounts" "fstab" {
    fstab             = true
    forbidden_options = ["nobarrier"]
  }

  check "packages" "consistent" {
    when          = !local.arrived && task.shell.started.stdout == ""
    no_duplicates = true
    no_broken     = true
    forbid_arch   = ["i386", "i486", "i586", "i686"]
  }

  check "packages" "third_party" {
    when    = !local.arrived && task.shell.started.stdout == ""
    vendors = ["CentOS*", "Red Hat*", "Rocky*", "AlmaLinux*", "openEuler*", "Fedora*"]
    except  = var.accept_third_party
  }

  check "command" "sshd_config" {
    when  = !local.arrived && task.shell.started.stdout == ""
    title = "The present sshd accepts its own configuration"
    argv  = ["/usr/sbin/sshd", "-t"]
    cure  = "Correct /etc/ssh/sshd_config first: a login that works only because sshd was not restarted is lost at the reboot."
  }

  check "command" "immutable" {
    title              = "No file that packages own is immutable"
    argv               = ["/bin/sh", "-c", "command -v lsattr >/dev/null || exit 3; lsattr -R /etc /usr /boot 2>/dev/null | grep -E '^[^ ]*i[^ ]* +/' | awk '{print $2}' | head -20; :"]
    stdout_not_matches = "."
    cure               = "The transaction cannot replace these files and would end in the middle. Remove the flag: chattr -i FILE"
    when               = !local.arrived
  }

  check "command" "lock" {
    title = "No package manager is at work"
    argv  = ["/bin/sh", "-c", "! pgrep -x -l 'dnf|yum|packagekitd|rpm'"]
    cure  = "Wait for it to end, and stop what runs updates by itself (dnf-automatic, packagekit)."
    when  = !local.arrived && task.shell.started.stdout == ""
  }

  # How the host was. Written once: a run that goes on after an interruption must
  # not take the half-migrated host for the old one.
  task "stat" "record" { path = "/var/lib/ferry/migration.json" }

  task "shell" "pages" {
    description = "Fingerprints of what the host serves; a page that does not answer stops here, since a pipe would hide it"
    read_only   = true
    when        = !task.stat.record.exists
    script      = join("\n", concat(["set -e"], [for u in var.pages : "curl -fsS --max-time 20 -o /dev/null '${u}'; printf '%s ' '${u}'; curl -fsS --max-time 20 '${u}' | sha256sum"]))
  }

  task "file" "records" {
    path  = "/var/lib/ferry"
    state = "directory"
    mode  = "0700"
  }

  task "copy" "record" {
    description = "Record how the host was"
    when        = !task.stat.record.exists
    path        = "/var/lib/ferry/migration.json"
    mode        = "0600"
    content = jsonencode({
      os      = facts.os_name
      kernel  = facts.kernel
      glibc   = facts.glibc
      systemd = facts.systemd
      rpm_db  = facts.rpm_db
      pages   = task.shell.pages.stdout
    })
  }

  task "baseline" "before" {
    description = "Record ports, services, mounts, users, cron jobs and kernel settings"
    when        = !local.arrived && task.shell.started.stdout == ""
  }
}
