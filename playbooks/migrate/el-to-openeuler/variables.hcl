ferry {
  required_version = ">= 0.1"
}

variable "hosts" {
  type        = string
  default     = "all"
  description = "Pattern of the hosts to migrate."
}

variable "release" {
  type        = string
  default     = "22.03-LTS-SP4"
  description = "Release of openEuler to move to."
  validation {
    condition     = can(regex("^2[0-9]\\.(03|09)(-LTS(-SP[0-9])?)?$", var.release))
    error_message = "Write the release as openEuler does, for example 22.03-LTS-SP4."
  }
}

variable "mirror" {
  type        = string
  default     = "https://repo.openeuler.org"
  description = "Mirror that holds openEuler-RELEASE/OS, everything and update."
}

variable "gpg_fingerprint" {
  type        = string
  default     = null
  description = "Fingerprint of openEuler's signing key, from a source you trust other than the mirror."
}

variable "allow_removal" {
  type        = list(string)
  default     = ["centos-*", "sysvinit-tools", "iwl7265-firmware", "ivtv-firmware", "sg3_utils-libs"]
  description = "Packages that may be removed because the target has no counterpart or their files are in the way."
}

variable "keep" {
  type        = list(string)
  default     = []
  description = "Packages of the old distribution without a counterpart that stay installed."
}

variable "accept_third_party" {
  type        = list(string)
  default     = []
  description = "Patterns of third-party packages you have looked at: they do not stop the preflight."
}

variable "ignore_excludes" {
  type        = bool
  default     = false
  description = "Let the transaction disregard exclude= lines of dnf's configuration."
}

variable "sshd_remove" {
  type = map(string)
  default = {
    empty_deny_users = "^\\s*DenyUsers\\s*$"
    tinyssh_kex      = "^\\s*KexAlgorithms\\s.*sntrup4591761x25519-sha512@tinyssh\\.org"
    arcfour          = "^\\s*Ciphers\\s.*(arcfour|blowfish-cbc|cast128-cbc)"
    ripemd160        = "^\\s*MACs\\s.*hmac-ripemd160"
    run_as           = "^\\s*AuthorizedKeysCommandRunAs\\s"
    required_auth2   = "^\\s*RequiredAuthentications2\\s"
    patch_level      = "^\\s*ShowPatchLevel\\s"
  }
  description = "Lines of sshd_config that the old sshd accepts and the new one dies of; they are removed, with a backup."
}

variable "restart_if_newer" {
  type        = list(string)
  default     = ["kernel", "glibc", "systemd", "dbus"]
  description = "The host is restarted if one of these packages was installed after its present boot."
}

variable "pages" {
  type        = list(string)
  default     = []
  description = "Addresses, as the host sees them, that must serve the same bytes after the migration as before. Set it per host in the inventory."
}

locals {
  base = "${var.mirror}/openEuler-${var.release}"

  repositories = {
    openeuler            = "${local.base}/OS/${facts.arch}/"
    openeuler-everything = "${local.base}/everything/${facts.arch}/"
    openeuler-update     = "${local.base}/update/${facts.arch}/"
  }
  key = "${local.base}/OS/${facts.arch}/RPM-GPG-KEY-openEuler"

  # What /etc/os-release says. It is replaced early in a transaction, so it is
  # never taken as proof of a migration; a host that does not say so yet is
  # surely one that is still to be prepared.
  arrived = facts.os_id == "openeuler"

  # Prints something if the transaction was started and has not ended: packages
  # of the target are there, or its job or the note of what it brings is.
  started_script = <<-EOT
    { ls -d /var/lib/ferry/jobs/distro-sync-* /var/lib/ferry/distro-sync-*.transaction | grep -v -e '~' -e -test
      rpm -qa --qf '%%{RELEASE}\n' | grep '\.oe[0-9]'
    } 2>/dev/null | head -n 1
  EOT
}
