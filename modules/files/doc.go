// Package files holds the modules for files and directories.
package files
