//go:build !windows

package filewrite

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/pkg/errors"
)

// replace gives the file the name of another one, which it replaces, and returns when the
// disk knows of it.
func replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		if of := (*os.LinkError)(nil); errors.As(err, &of) {
			err = &os.PathError{Op: "replace", Path: to, Err: of.Err} // nobody knows the name of the file that was to replace it
		}
		return errors.WithStack(err)
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return errors.WithStack(err)
	}
	defer d.Close()
	// Some file systems cannot sync a folder; the file itself is safe by then.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return errors.WithStack(err)
	}
	return nil
}
