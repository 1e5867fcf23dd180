// Package services holds the modules for systemd units.
package services
