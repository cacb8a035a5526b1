package datasets

import (
	"os"
	"runtime"

	"github.com/pkg/errors"
)

// store holds decoded pictures as uint8, planar (C, H, W), one after the other: in
// memory, or in a file that has no name where the system allows that.
type store struct {
	channels, height, width int
	inverted                bool

	memory []byte   // nil if file is used
	file   *os.File // nil if memory is used
	paths  []string // where each row came from, safe to print
}

// newStore makes room for n pictures.
func newStore(n, channels, height, width int, o Options) (*store, error) {
	s := &store{channels: channels, height: height, width: width, inverted: o.Invert, paths: make([]string, n)}
	total := int64(n) * int64(s.bytes())
	if total <= o.CacheBytes {
		s.memory = make([]byte, total)
		return s, nil
	}
	file, err := os.CreateTemp(o.CacheDir, "medusa-pictures-*.cache")
	if err != nil {
		return nil, errors.Wrapf(err, "datasets: %d pictures need %d MiB, more than CacheBytes, and no cache file can be made (set CacheDir or raise CacheBytes)", n, total>>20)
	}
	s.file = file
	if runtime.GOOS != "windows" {
		// Unlinked at once: the file goes with the process, however that ends.
		if err := os.Remove(file.Name()); err != nil {
			return nil, errors.Wrap(err, "datasets: cache file")
		}
	}
	if err := file.Truncate(total); err != nil {
		s.close()
		return nil, errors.Wrapf(err, "datasets: cache file of %d MiB in %s", total>>20, file.Name())
	}
	return s, nil
}

// bytes returns the size of one picture.
func (s *store) bytes() int { return s.channels * s.height * s.width }

// get returns picture i, read into scratch (of bytes() length) if the store is a file.
// The result must not be changed.
func (s *store) get(i int, scratch []byte) ([]byte, error) {
	n := s.bytes()
	if s.file == nil {
		return s.memory[i*n : (i+1)*n : (i+1)*n], nil
	}
	if _, err := s.file.ReadAt(scratch[:n], int64(i)*int64(n)); err != nil {
		return nil, errors.Wrapf(err, "datasets: cache file, picture %s", s.paths[i])
	}
	return scratch[:n], nil
}

// put keeps pixels as picture i. Different i may be put at the same time.
func (s *store) put(i int, pixels []byte) error {
	n := s.bytes()
	if s.file == nil {
		copy(s.memory[i*n:(i+1)*n], pixels)
		return nil
	}
	_, err := s.file.WriteAt(pixels[:n], int64(i)*int64(n))
	return errors.Wrap(err, "datasets: cache file (is the disk full? set CacheDir to another one or raise CacheBytes)")
}

// scratch returns a buffer for get: nil where get needs none.
func (s *store) scratch() []byte {
	if s.file == nil {
		return nil
	}
	return make([]byte, s.bytes())
}

// close gives the cache file back.
func (s *store) close() error {
	if s.file == nil {
		return nil
	}
	name := s.file.Name()
	err := s.file.Close()
	if runtime.GOOS == "windows" {
		os.Remove(name)
	}
	if errors.Is(err, os.ErrClosed) {
		return nil // Train and Test share one store
	}
	return errors.Wrap(err, "datasets: cache file")
}
