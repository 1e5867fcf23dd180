// Package source finds the directories that playbooks use: it reads source
// addresses, keeps the lock file that pins remote ones, fetches git repositories
// and archives, and proves that what is on disk is what was pinned.
//
// Only Fetcher talks to the network or runs git; Locked, which loading a playbook
// uses, reads files and nothing else. Whatever comes from outside (addresses, lock
// files, archives, repositories) is held to limits before it costs memory or disk.
package source
