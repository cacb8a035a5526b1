//go:build unix

package index

import (
	"math"
	"runtime"

	"github.com/pkg/errors"
	"golang.org/x/sys/unix"

	"medusa/internal/fileread"
)

// mapFile has the memory of a file: what is not looked at is not read, and programs that map
// the same file share it. Where this program writes to it, it gets a copy of its own.
func mapFile(path string) (*mapping, error) {
	f, err := fileread.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errors.WithStack(err)
	}
	m := &mapping{path: path}
	switch size := info.Size(); {
	case size == 0:
		return m, nil
	case size > math.MaxInt:
		return nil, errors.Errorf("%s has %d bytes, which is too much for this processor", path, size)
	}
	if m.data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE); err != nil {
		return nil, errors.Wrapf(err, "%s", path)
	}
	runtime.AddCleanup(m, func(data []byte) { unix.Munmap(data) }, m.data)
	return m, nil
}
