package datasets

import (
	"cmp"
	"math"
	"os"
	"runtime"

	"github.com/pkg/errors"

	"medusa/internal/diskroom"
	"medusa/internal/field"
	"medusa/internal/ram"
)

// store holds decoded pictures as uint8, planar (C, H, W), one after the other: in
// memory, or in a file that has no name where the system allows that. Or it holds vectors,
// as they lie in a file of their own.
type store struct {
	channels, height, width int
	inverted                bool
	valueRange              string // as Options.Range; empty if nothing was decided

	detail *store   // the same pictures, larger; nil if none are kept
	memory []byte   // nil if file is used
	file   *os.File // nil if memory is used

	kept *keptFile // where decoded pictures stay for the next time; nil if nowhere

	vectors *vectors // nil if pictures are held

	told func(done, total int) // as Options.Progress, for passes over all that is held; may be nil

	paths  []string // where each row came from, with the bytes of its name
	keptAt int      // bytes before these in what is kept of a picture

	sums []uint64 // of each row's file, to tell identical ones; 0 where there is no file of its own
}

// newStore makes room for n pictures, and for n of more detail if o asks for these.
func newStore(n, channels, height, width int, o Options) (*store, error) {
	if err := afford(n, channels, height, width, o); err != nil {
		return nil, err
	}
	s := &store{channels: channels, height: height, width: width, inverted: o.Invert, paths: make([]string, n), sums: make([]uint64, n), told: o.Progress}
	s.detail = detailOf(s, o)
	inMemory := s.total() <= o.CacheBytes
	if o.kept != nil && o.kept.cache != nil {
		s.kept = o.kept
	}
	if err := s.checkRoom(inMemory, o); err != nil {
		return nil, err
	}
	if s.kept != nil && s.detail != nil {
		s.detail.kept, s.detail.keptAt = s.kept, s.bytes()
	}
	for _, t := range []*store{s, s.detail} {
		if t == nil || t.kept != nil && !inMemory {
			continue
		}
		if err := t.reserve(inMemory, o.CacheDir); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// roomOnDisk is replaced by tests.
var roomOnDisk = diskroom.Check

// checkRoom returns an error if the pictures do not fit on the disk that they have to go to.
// Where they are held in memory and only kept besides, they are not kept.
func (s *store) checkRoom(inMemory bool, o Options) error {
	n := min(cmp.Or(o.likely, len(s.paths)), len(s.paths))
	var err error
	switch {
	case s.kept != nil:
		err = roomOnDisk(o.CacheDir, s.kept.cache.Growth(n))
	case !inMemory:
		one := int64(s.bytes())
		if s.detail != nil {
			one += int64(s.detail.bytes())
		}
		err = roomOnDisk(cmp.Or(o.CacheDir, os.TempDir()), int64(n)*one)
	}
	switch {
	case err == nil:
		return nil
	case inMemory:
		s.kept.stop(err)
		return nil
	}
	if free := ram.Available(); s.total() < free/2 {
		return wrongOption("the cache file of %d pictures %v: set %s to a folder on another disk, raise %s (the pictures take %s of memory, and %s are free), or take smaller ones",
			n, err, field.Name("CacheDir"), field.Name("CacheBytes"), ram.Size(float64(s.total())), ram.Size(float64(free)))
	}
	return wrongOption("the cache file of %d pictures %v: set %s to a folder on another disk, or take smaller pictures", n, err, field.Name("CacheDir"))
}

// detailOf is a store, without memory, for the larger pictures beside those of s; nil if o
// asks for none.
func detailOf(s *store, o Options) *store {
	if o.Detail <= 1 {
		return nil
	}
	larger := func(side int) int { return int(math.Round(o.Detail * float64(side))) }
	return &store{channels: s.channels, height: larger(s.height), width: larger(s.width), inverted: o.Invert, paths: s.paths}
}

// afford returns an error if there is not the memory for the pictures, or for one under way in
// each worker: as planes, and as RGBA where it is drawn.
func afford(n, channels, height, width int, o Options) error {
	one := float64(height) * float64(width) * max(o.Detail, 1) * max(o.Detail, 1)
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	need := one * float64(4+channels) * float64(min(workers, n))
	if all := float64(n) * one * float64(channels); all <= float64(o.CacheBytes) {
		need += all
	}
	if err := ram.Check(need); err != nil {
		return errors.Errorf("datasets: reading %d pictures of %d×%d×%d (channels, height, width) %v; take a smaller size", n, channels, height, width, err)
	}
	return nil
}

// reserve takes memory, or a file in dir.
func (s *store) reserve(inMemory bool, dir string) error {
	n := int64(len(s.paths)) * int64(s.bytes())
	if inMemory {
		s.memory = make([]byte, n)
		return nil
	}
	file, err := os.CreateTemp(dir, "medusa-pictures-*.cache")
	if err != nil {
		return wrongOption("pictures of %d MiB are above %s, and no cache file can be made: %v; set %s to a folder that can be written to, or raise %s",
			n>>20, field.Name("CacheBytes"), err, field.Name("CacheDir"), field.Name("CacheBytes"))
	}
	s.file = file
	if runtime.GOOS != "windows" {
		// Unlinked at once: the file goes with the process, however that ends.
		if err := os.Remove(file.Name()); err != nil {
			return errors.Wrap(err, "datasets: cache file")
		}
	}
	return errors.Wrapf(file.Truncate(n), "datasets: cache file of %d MiB in %s", n>>20, file.Name())
}

// onDisk reports whether items are read from a file when they are needed.
func (s *store) onDisk() bool {
	if s.vectors != nil {
		return s.vectors.close != nil
	}
	return s.memory == nil
}

// path is where a row came from, safe to print.
func (s *store) path(row int) string { return printable(s.origin(row)) }

// origin is where a row came from, with the bytes of its name where it is a file.
func (s *store) origin(row int) string {
	if s.vectors != nil {
		return s.vectors.path(row)
	}
	return s.paths[row]
}

// errVectors is what asks for pictures get where vectors are held.
var errVectors = errors.New("datasets: the set holds vectors, no pictures")

// filler returns a function that writes row, normalised and not augmented, to dst. It serves
// one goroutine.
func (s *store) filler(norm Normalisation) func(dst []float32, row int) error {
	if s.vectors != nil {
		return s.vectors.filler(norm)
	}
	tables, scratch := norm.Tables(s.channels), s.scratch()
	return func(dst []float32, row int) error {
		pixels, err := s.get(row, scratch)
		if err != nil {
			return err
		}
		lookUp(dst, pixels, tables)
		return nil
	}
}

// bytes returns the size of one picture, and so the number of its values.
func (s *store) bytes() int { return s.channels * s.height * s.width }

// total returns the size of all pictures.
func (s *store) total() int64 {
	if s.vectors != nil {
		return s.vectors.size()
	}
	n := int64(len(s.paths)) * int64(s.bytes())
	if s.detail != nil {
		n += s.detail.total()
	}
	return n
}

// get returns picture i, read into scratch (of bytes() length) if the store is a file.
// The result must not be changed.
func (s *store) get(i int, scratch []byte) ([]byte, error) {
	n := s.bytes()
	if s.vectors != nil {
		return nil, errVectors
	}
	if s.memory != nil {
		return s.memory[i*n : (i+1)*n : (i+1)*n], nil
	}
	if s.file == nil {
		return scratch[:n], errors.Wrapf(s.kept.read(scratch[:n], i, s.keptAt), "datasets: kept pictures, picture %s", s.path(i))
	}
	if _, err := s.file.ReadAt(scratch[:n], int64(i)*int64(n)); err != nil {
		return nil, errors.Wrapf(err, "datasets: cache file, picture %s", s.path(i))
	}
	return scratch[:n], nil
}

// put keeps pixels as picture i. Different i may be put at the same time.
func (s *store) put(i int, pixels []byte) error {
	n := s.bytes()
	if s.memory != nil {
		copy(s.memory[i*n:(i+1)*n], pixels)
		return nil
	}
	if s.file == nil {
		return nil // they lie among the kept ones alone
	}
	_, err := s.file.WriteAt(pixels[:n], int64(i)*int64(n))
	if err != nil {
		return wrongOption("cache file: %v (is the disk full? Set %s to another one, or raise %s)", err, field.Name("CacheDir"), field.Name("CacheBytes"))
	}
	return nil
}

// scratch returns a buffer for get: nil where get needs none.
func (s *store) scratch() []byte {
	if s.memory != nil {
		return nil
	}
	return make([]byte, s.bytes())
}

// pictureWriter puts decoded pictures into a store. It belongs to one goroutine.
type pictureWriter struct {
	store  *store
	plain  *renderer
	planes []byte
	detail *pictureWriter // nil if the store keeps no more detail
}

func newPictureWriter(s *store, o Options) *pictureWriter {
	in := &pictureWriter{
		store: s, planes: make([]byte, s.bytes()),
		plain: newRenderer(s.channels, s.height, s.width, o),
	}
	if s.detail != nil {
		in.detail = newPictureWriter(s.detail, o)
		in.detail.plain.aligned = in.plain.aligned
	}
	return in
}

// put renders p, or what is taken of it, as picture i. It reports whether there was colour
// to lose, and whether all is of one value.
func (in *pictureWriter) put(i int, p picture, c cutout) (colour, blank bool, err error) {
	if in.detail != nil {
		if _, _, err := in.detail.put(i, p, c); err != nil {
			return false, false, err
		}
	}
	if colour, err = in.plain.render(in.planes, p, c); err != nil {
		return false, false, err
	}
	return colour, isBlank(in.planes, in.store.channels), in.store.put(i, in.planes)
}

// close gives the cache files back.
func (s *store) close() error {
	if s.vectors != nil {
		return s.vectors.closeFile()
	}
	if s.detail != nil {
		if err := s.detail.close(); err != nil {
			return err
		}
	}
	if s.kept != nil {
		if err := s.kept.close(); err != nil {
			return err
		}
	}
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
