//go:build !windows

package cli

import (
	"syscall"

	"github.com/pkg/errors"
)

// isAddrInUse reports whether listening failed because another program does already.
func isAddrInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
