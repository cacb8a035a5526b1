package trainer

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes f for this process until it is closed or the process ends. Nobody else can read
// what Windows has locked, so it is the last byte that a file can have: readers of what the
// file holds are not kept out.
func lock(f *os.File) error {
	at := &windows.Overlapped{Offset: math.MaxUint32, OffsetHigh: math.MaxInt32}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, at)
}
