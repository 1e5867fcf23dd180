//go:build tools

// Package tools names the pinned tools.
package tools

import _ "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"
