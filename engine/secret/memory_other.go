//go:build !linux

package secret

func isMemory(string) bool { return false }
