package index

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pkg/errors"

	"medusa/internal/filelock"
)

// FileLock is a right to change the file of an index.
type FileLock struct{ file *os.File }

// BusyError says that another process may change the file of an index.
type BusyError struct{ Path string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("index: another process may change %s: wait until it ends, or stop it", e.Path)
}

// Lock keeps others that call it from changing the file at path until Unlock, or the end of this process, and is
// a *BusyError while another one has it. Who opens a file, changes items and saves them would else lose what
// another one saved meanwhile. Who only searches needs no lock.
//
// What is locked is the file path.lock, since Save puts another file in the place of the one at path; it is
// there as long as the lock. On systems without such locks nobody is kept from anything.
func Lock(path string) (*FileLock, error) {
	path = resolved(path)
	for {
		f, err := os.OpenFile(path+lockEnding, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, errors.Wrap(err, "index")
		}
		if err := filelock.Lock(f); err != nil {
			f.Close()
			return nil, errors.WithStack(&BusyError{path})
		}
		if isAt(f, path+lockEnding) {
			return &FileLock{f}, nil
		}
		f.Close() // who had the lock removed the file between the two calls
	}
}

const lockEnding = ".lock"

// isAt reports whether f is the file at path still.
func isAt(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}

// resolved is the file that path leads to, if it is a link.
func resolved(path string) string {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		return file
	}
	return path
}

// Unlock gives the right back. A second call does nothing.
func (l *FileLock) Unlock() error {
	if l == nil || l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	os.Remove(f.Name()) // as long as it is locked; where an open file cannot be removed it stays
	return errors.Wrap(f.Close(), "index")
}
