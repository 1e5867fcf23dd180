// Package secret reads and writes what is encrypted: age files, with keys,
// existing SSH keys or a passphrase, and (reading only) what Ansible Vault
// wrote. It is the only package that knows age.
//
// Nothing is read, run or asked for before the first encrypted text is met. The
// plain text is kept in memory only; no error holds any of it.
package secret
