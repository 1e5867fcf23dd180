//go:build !unix

package secret

import "io/fs"

func trustworthy(fs.FileInfo, string) bool { return true }
