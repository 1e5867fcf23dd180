# The migration itself. Up to distro_sync everything can be undone by hand; after
# it a host can only go forward, or back to a snapshot.

play "migrate" {
  hosts  = var.hosts
  become = true

  rollout {
    batches    = ["1", "10%", "50%", "100%"]
    max_failed = "10%"
  }

  task "shell" "started" {
    read_only = true
    tags      = ["always"]
    script    = local.started_script
  }

  # Between the start of the transaction and its end little works on a host; what
  # was prepared before it is not looked at again until it has ended.
  block "prepare" {
    when = local.arrived || task.shell.started.stdout == ""

    task "repo" "repositories" {
      for_each = local.repositories
      id       = each.key
      title    = "openEuler ${var.release} (${each.key})"
      baseurl  = [each.value]
      gpgkey   = var.gpg_fingerprint == null ? [local.key] : [] # a pinned key is imported below, and no other
    }

    task "repo_key" "openeuler" {
      url         = local.key
      fingerprint = var.gpg_fingerprint
    }

    task "module_stream" "none" {
      description = "openEuler has no module streams, and enabled ones would hide its packages"
      names       = ["*"]
      state       = "reset"
    }

    task "line" "sshd_config" {
      description = "Lines the new sshd would die of"
      for_each    = var.sshd_remove
      path        = "/etc/ssh/sshd_config"
      match       = each.value
      state       = "absent"
      backup      = true
      validate    = ["/usr/sbin/sshd", "-t", "-f", "%s"]
    }

    task "script" "target_sshd" {
      description  = "Ask the target's sshd whether it accepts this host's configuration"
      when         = !local.arrived
      src          = "scripts/target-sshd-test.sh"
      args         = keys(local.repositories)
      changed_when = false
    }
  }

  block "sync" {
    task "distro_sync" "openeuler" {
      release            = var.release
      repos              = keys(local.repositories)
      sources            = local.repositories
      swap               = { "centos-release" = "openEuler-release" }
      allow_removal      = var.allow_removal
      keep               = var.keep
      ignore_excludes    = var.ignore_excludes
      point_of_no_return = true
    }

    rescue {
      task "fetch" "dnf_log" {
        src        = "/var/log/dnf.log"
        dest       = "evidence"
        missing_ok = true
      }
      task "fetch" "rpm_log" {
        src        = "/var/log/dnf.rpm.log"
        dest       = "evidence"
        missing_ok = true
      }
      task "fail" "sync" {
        message = "${host.name} was not synchronised; why is said above, and its logs are in evidence/${host.name}. Run the playbook again after the cause is gone: it goes on from what the host shows."
      }
    }
  }

  task "rpm_db" "converted" {}

  task "repo_state" "only_openeuler" {
    description = "The old distribution's and third-party repositories"
    disable     = ["*"]
    except      = keys(local.repositories)
  }

  task "service" "sshd" {
    state   = "running"
    enabled = true
  }

  # A second login, with the new sshd, while the first still lives: only then may
  # the host restart.
  task "command" "second_login" {
    argv      = ["true"]
    become    = false
    read_only = true
  }

  task "reboot" "into_target" {
    if_newer = var.restart_if_newer
    wait     = "15m"
  }
}
