package filewrite

import (
	"time"

	"github.com/pkg/errors"
	"golang.org/x/sys/windows"
)

// patience is how long replace waits for a program that has the old file open: Windows
// replaces no file that is open, and scanners and indexers open new files for a moment.
const patience = 5 * time.Second

// replace gives the file the name of another one, which it replaces, and returns when the
// disk knows of it.
func replace(from, to string) error {
	old, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return errors.WithStack(err)
	}
	name, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return errors.WithStack(err)
	}
	const flags = windows.MOVEFILE_REPLACE_EXISTING | windows.MOVEFILE_WRITE_THROUGH
	for pause, end := time.Millisecond, time.Now().Add(patience); ; pause *= 2 {
		err := windows.MoveFileEx(old, name, flags)
		if err == nil || !isOpen(err) || time.Now().Add(pause).After(end) {
			return errors.Wrapf(err, "replacing %s, which another program may have open", to)
		}
		time.Sleep(pause)
	}
}

// isOpen reports whether err is what Windows says of a file that somebody has open.
func isOpen(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
}
