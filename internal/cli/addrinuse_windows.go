package cli

import (
	"syscall"

	"github.com/pkg/errors"
)

// isAddrInUse reports whether listening failed because another program does already: WSAEADDRINUSE, which package syscall has no
// name for.
func isAddrInUse(err error) bool { return errors.Is(err, syscall.Errno(10048)) }
