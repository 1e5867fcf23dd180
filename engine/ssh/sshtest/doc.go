// Package sshtest is an SSH server in the test's own process: one Server is one
// host. It is real on the wire (handshake, authentication, sessions, sftp) and
// can misbehave in all the ways hosts do.
//
// Commands run either with this machine's /bin/sh (the Exec backend, with a
// directory of programs the test supplies in front of PATH) or in an
// interpreter inside the process (the Interp backend), which starts no process
// and so can stand in for thousands of hosts.
//
// With Exec, ferry's directory on the host (/var/lib/ferry) and the boot id are
// redirected into the server's own directory by the environment variables
// FERRY_STATE and FERRY_BOOT_ID.
package sshtest
