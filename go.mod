module github.com/ferry-ops/ferry

go 1.26.0

require (
	github.com/kevinburke/ssh_config v1.6.0
	github.com/pkg/sftp v1.13.12
	golang.org/x/crypto v0.58.0
	golang.org/x/sys v0.49.0
	mvdan.cc/sh/v3 v3.14.1
)

require (
	github.com/kr/fs v0.1.0 // indirect
	golang.org/x/term v0.47.0 // indirect
)
