// Package fileread reads files without waiting for what is no file, and without taking
// more memory than is meant.
package fileread

import (
	"io"
	"io/fs"
	"os"

	"github.com/pkg/errors"
)

// Open opens the regular file at path. A pipe, a device or a folder is refused: to open one
// may wait for ever, and to read it never end.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.WithStack(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.Errorf("%s is %s, want a file", path, Kind(info.Mode()))
	}
	f, err := os.Open(path)
	return f, errors.WithStack(err)
}

// Regular is the content of the regular file at path, which may have at most limit bytes.
func Regular(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Limited(f, path, limit)
}

// Limited reads r, called name, to its end, which must come within limit bytes.
func Limited(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, errors.WithStack(err)
	}
	if int64(len(b)) > limit {
		return nil, errors.Errorf("%s has more than %d bytes, which is too much for its kind", name, limit)
	}
	return b, nil
}

// Kind names what a mode is of.
func Kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}
