// Package system holds the modules for the host as a whole: users, kernel
// settings, its name, its reboot.
package system
