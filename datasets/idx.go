package datasets

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// The IDX files of MNIST and its relatives: two zero bytes, the type of the values, the
// number of dimensions, the dimensions as big-endian uint32, the values.
// http://yann.lecun.com/exdb/mnist/
const (
	idxBytes     = 0x08 // type: unsigned byte
	idxMaxExpand = 1032 // DEFLATE makes at most so many bytes of one
)

// OpenIDX reads a file of grey pictures (N, H, W) and one of labels (N), either of them
// gzipped or not. The classes are named by their numbers.
func OpenIDX(images, labels string, o Options) (Split, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Split{}, err
	}
	d, err := openIDXPair(images, labels, o)
	if err != nil {
		return Split{}, err
	}
	s := Split{Train: d}
	s.log(o.Logger)
	return s, nil
}

// OpenIDXFolder reads the files of a folder as MNIST's are named:
// train-images-idx3-ubyte and train-labels-idx1-ubyte, and t10k- (or test-) for the test
// part, each with .gz or without. Both parts usually have the same classes: for a test
// on unseen ones, take a Subset of each.
func OpenIDXFolder(dir string, o Options) (Split, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Split{}, err
	}
	var s Split
	for _, p := range []struct {
		to       **Dataset
		prefixes []string
	}{{&s.Train, []string{"train"}}, {&s.Val, []string{"val", "valid", "validation"}}, {&s.Test, []string{"t10k", "test"}}} {
		images, labels, err := findIDXPair(dir, p.prefixes)
		if err != nil {
			return Split{}, err
		}
		if images == "" {
			continue
		}
		if *p.to, err = openIDXPair(images, labels, o); err != nil {
			s.Close()
			return Split{}, err
		}
	}
	if _, sets := s.parts(); sets == nil {
		return Split{}, errors.Errorf("datasets: no IDX files in %s, want train-images-idx3-ubyte and train-labels-idx1-ubyte (.gz or not)", printable(dir))
	}
	s.log(o.Logger)
	return s, nil
}

const (
	idxImages = "-images-idx3-ubyte"
	idxLabels = "-labels-idx1-ubyte"
)

// findIDXPair returns the files of a part, "" if there are none.
func findIDXPair(dir string, prefixes []string) (images, labels string, err error) {
	for _, prefix := range prefixes {
		images, labels = findIDX(dir, prefix+idxImages), findIDX(dir, prefix+idxLabels)
		switch {
		case images != "" && labels != "":
			return images, labels, nil
		case images != "" || labels != "":
			return "", "", errors.Errorf("datasets: %s has only one of %s%s and %s%s (.gz or not), want both", printable(dir), prefix, idxImages, prefix, idxLabels)
		}
	}
	return "", "", nil
}

// findIDX returns the path of a file with or without .gz, or with a dot for its last
// dash as some archives have it; "" if there is none.
func findIDX(dir, name string) string {
	for _, n := range []string{name, strings.Replace(name, "-idx", ".idx", 1)} {
		for _, ending := range []string{"", ".gz"} {
			path := filepath.Join(dir, n+ending)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				return path
			}
		}
	}
	return ""
}

func openIDXPair(images, labels string, o Options) (*Dataset, error) {
	l, err := openIDXFile(labels)
	if err != nil {
		return nil, err
	}
	defer l.close()
	numbers, err := l.labels()
	if err != nil {
		return nil, err
	}
	f, err := openIDXFile(images)
	if err != nil {
		return nil, err
	}
	defer f.close()
	return f.pictures(numbers, o)
}

// idxFile is an IDX file whose header has been read.
type idxFile struct {
	name   string
	dims   []int
	values io.Reader
	most   int64 // bytes that the file can hold, as far as its size tells
	file   io.Closer
}

func openIDXFile(name string) (*idxFile, error) {
	file, err := fileread.Open(name)
	if err != nil {
		return nil, errors.Wrap(err, "datasets: IDX file")
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, errors.Wrap(err, "datasets: IDX file")
	}
	f, err := readIDX(file, info.Size(), printable(name))
	if err != nil {
		file.Close()
		return nil, err
	}
	f.file = file
	return f, nil
}

func (f *idxFile) close() {
	if f.file != nil {
		f.file.Close()
	}
}

// readIDX reads the header of an IDX file of so many bytes, unpacking it if need be.
func readIDX(r io.Reader, size int64, name string) (*idxFile, error) {
	f := &idxFile{name: name, most: size}
	buffered := bufio.NewReaderSize(r, 1<<16)
	f.values = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, f.wrap(err)
		}
		f.values, f.most = bufio.NewReaderSize(unpacked, 1<<16), size*idxMaxExpand
	}
	var head [4]byte
	if _, err := io.ReadFull(f.values, head[:]); err != nil {
		return nil, f.wrap(err)
	}
	if head[0] != 0 || head[1] != 0 || head[2] != idxBytes || head[3] == 0 {
		return nil, errors.Errorf("datasets: %s is no IDX file of bytes: it begins with %#x, want 0x000008 and the number of dimensions", name, head[:])
	}
	total := int64(1)
	for range head[3] {
		var dim uint32
		if err := binary.Read(f.values, binary.BigEndian, &dim); err != nil {
			return nil, f.wrap(err)
		}
		if total *= int64(dim); total > f.most {
			return nil, errors.Errorf("datasets: %s is cut off or damaged: its header tells of more values than a file of %d bytes can hold", name, size)
		}
		f.dims = append(f.dims, int(dim))
	}
	return f, nil
}

// wrap names the file, and says of a file that ends too early just that.
func (f *idxFile) wrap(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.Wrapf(io.ErrUnexpectedEOF, "datasets: %s is cut off; fetch it again", f.name)
	}
	return errors.Wrapf(err, "datasets: %s", f.name)
}

// atEnd says what is wrong if the file goes on.
func (f *idxFile) atEnd() error {
	var more [1]byte
	switch n, err := io.ReadFull(f.values, more[:]); {
	case n > 0:
		return errors.Errorf("datasets: %s goes on after its last value: header %v is wrong", f.name, f.dims)
	case !errors.Is(err, io.EOF):
		return f.wrap(err) // a checksum, say
	}
	return nil
}

// labels reads a file of labels.
func (f *idxFile) labels() ([]byte, error) {
	if len(f.dims) != 1 {
		return nil, errors.Errorf("datasets: %s has dimensions %v, want one for labels", f.name, f.dims)
	}
	var labels []byte
	labels, err := io.ReadAll(io.LimitReader(f.values, int64(f.dims[0])))
	if err == nil && len(labels) < f.dims[0] {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, f.wrap(err)
	}
	return labels, f.atEnd()
}

// pictures reads a file of pictures with these labels.
func (f *idxFile) pictures(numbers []byte, o Options) (*Dataset, error) {
	if len(f.dims) != 3 {
		return nil, errors.Errorf("datasets: %s has dimensions %v, want three (pictures, rows, columns)", f.name, f.dims)
	}
	n, h, w := f.dims[0], f.dims[1], f.dims[2]
	if n != len(numbers) {
		return nil, errors.Errorf("datasets: %s has %d pictures, its labels are %d; do the files belong together?", f.name, n, len(numbers))
	}
	if int64(h)*int64(w) > o.MaxPixels || h == 0 || w == 0 {
		return nil, errors.Errorf("datasets: %s has pictures of %d×%d, want 1 … %d pixels", f.name, w, h, o.MaxPixels)
	}
	if o.Channels == 0 {
		o.Channels = 1
	}
	if o.Height == 0 {
		o.Height, o.Width = h, w
	}
	d := numbered(numbers)
	if len(d.classes) < 2 {
		return nil, errors.Errorf("datasets: %s has %d pictures of classes %v: metric learning compares classes, so at least two are needed", f.name, n, d.classes)
	}
	var err error
	if d.store, err = newStore(n, o.Channels, o.Height, o.Width, o); err != nil {
		return nil, err
	}
	if err := f.fillStore(d.store, h, w, o); err != nil {
		d.Close()
		return nil, err
	}
	d.report = report{source: f.name, kind: "idx", originals: sizeString(w, h), formats: map[string]int{"IDX": n}}
	return d, nil
}

// fillStore reads the values, picture by picture.
func (f *idxFile) fillStore(s *store, h, w int, o Options) error {
	in := newPictureWriter(s, o)
	grey := image.NewGray(image.Rect(0, 0, w, h))
	p := picture{Image: grey, orientation: 1}
	for i := range s.paths {
		if _, err := io.ReadFull(f.values, grey.Pix); err != nil {
			return f.wrap(err)
		}
		if _, _, err := in.put(i, p, cutout{}); err != nil {
			return err
		}
		s.paths[i] = fmt.Sprintf("%s[%d]", f.name, i)
		if i%1024 == 0 || i == len(s.paths)-1 {
			o.progress(i+1, len(s.paths))
		}
	}
	return f.atEnd()
}

// numbered makes a Dataset, without pictures, whose classes are named by numbers.
func numbered(numbers []byte) *Dataset {
	var rank [256]int
	d := &Dataset{labels: make([]int, len(numbers)), rows: make([]int32, len(numbers))}
	present := slices.Compact(slices.Sorted(slices.Values(numbers)))
	for c, v := range present {
		rank[v] = c
		d.classes = append(d.classes, strconv.Itoa(int(v)))
	}
	for i, v := range numbers {
		d.rows[i], d.labels[i] = int32(i), rank[v]
	}
	return d
}
