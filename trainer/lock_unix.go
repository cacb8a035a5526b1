//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package trainer

import (
	"os"
	"syscall"
)

// lock takes f for this process until it is closed or the process ends.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
