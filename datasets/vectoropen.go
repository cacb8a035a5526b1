package datasets

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/fileread"
	"medusa/internal/npy"
	"medusa/internal/safetensors"
)

// open reads everything of a file but the vectors themselves.
func (f vectorFile) open(o Options) (*labelled, error) {
	switch strings.ToLower(filepath.Ext(f.path)) {
	case ".npy":
		return f.openArray(o)
	case ".npz":
		return f.openArrays(o)
	case ".safetensors":
		return f.openTensors(o)
	}
	return f.openTable(o)
}

// lasting opens a file that stays open while its vectors are used.
func (f vectorFile) lasting() (*os.File, int64, error) {
	file, err := fileread.Open(f.path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.Errorf("want an ordinary file, this is %s", reasonSpecial)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// openArray opens a .npy file and the labels beside it.
func (f vectorFile) openArray(o Options) (*labelled, error) {
	if f.labels == "" {
		return nil, errors.New("no labels are beside it: want a file labels.npy or labels.txt with one for each vector (a .npz file can hold both)")
	}
	file, size, err := f.lasting()
	if err != nil {
		return nil, err
	}
	l := &labelled{vectors: &vectors{name: printable(f.path), close: file}}
	if err := l.readArray(io.NewSectionReader(file, 0, size), size, o); err != nil {
		file.Close()
		return nil, err
	}
	if l.labels, err = readLabels(f.labels, l.vectors.rows); err == nil {
		err = l.check()
	}
	if err != nil {
		file.Close()
		return nil, errors.WithMessage(err, "with "+printable(filepath.Base(f.labels)))
	}
	return l, nil
}

// readLabels reads a file of labels.
func readLabels(path string, rows int) (labelling, error) {
	file, err := fileread.Open(path)
	if err != nil {
		return labelling{}, err
	}
	defer file.Close()
	if !strings.EqualFold(filepath.Ext(path), ".npy") {
		return labelsOfText(file, rows)
	}
	h, err := npy.Read(file)
	if err != nil {
		return labelling{}, err
	}
	return labelsOfArray(file, h)
}

// check compares the number of labels with that of the vectors.
func (l *labelled) check() error {
	if got, want := len(l.labels.of), l.vectors.rows; got != want {
		return errors.Errorf("%d labels for %d vectors; do the files belong together?", got, want)
	}
	return nil
}

// readArray reads the header of an array of vectors that is size bytes long.
func (l *labelled) readArray(from *io.SectionReader, size int64, o Options) error {
	h, err := npy.Read(from)
	if err != nil {
		return err
	}
	e, err := elementOf(h.Descr)
	if err != nil {
		return err
	}
	m := matrix{from: from, offset: h.Offset, element: e}
	if err := m.setShape(h.Shape, size-h.Offset); err != nil {
		return err
	}
	if h.Fortran && m.cols > 1 && m.rows > 1 {
		if m, err = m.transposed(o.CacheBytes); err != nil {
			return err
		}
	}
	l.vectors.matrix = m
	return nil
}

// setShape takes the shape of an array of which so many bytes are there.
func (m *matrix) setShape(shape []int, bytes int64) error {
	if len(shape) < 2 {
		return errors.Errorf("an array of shape %v, want (N, D): N vectors of D numbers", shape)
	}
	m.rows, m.cols = shape[0], 1
	for _, d := range shape[1:] { // more dimensions are one long vector
		m.cols *= d
	}
	switch {
	case m.rows == 0 || m.cols == 0:
		return errors.Errorf("an array of shape %v holds no vectors", shape)
	case m.rows > 1<<31-1:
		return errors.Errorf("%d vectors, want at most %d", m.rows, 1<<31-1)
	case m.cols > maxSide*maxSide:
		return errors.Errorf("vectors of %d numbers, want at most %d", m.cols, maxSide*maxSide)
	case m.size() > bytes:
		return errors.Errorf("cut off: shape %v takes %d bytes, %d are there", shape, m.size(), bytes)
	}
	return nil
}

// transposed loads an array that is written column by column.
func (m *matrix) transposed(most int64) (matrix, error) {
	if m.size() > most {
		return matrix{}, wrongOption("the array is written column by column, and with %d MiB too large to be turned in memory: "+
			"save it by rows (np.ascontiguousarray), or raise %s", m.size()>>20, field.Name("CacheBytes"))
	}
	columns := make([]byte, m.size())
	if _, err := m.from.ReadAt(columns, m.offset); err != nil {
		return matrix{}, errors.Wrap(err, "reading")
	}
	rows := make([]byte, len(columns))
	n := m.element.size
	for c := range m.cols {
		for r := range m.rows {
			copy(rows[(r*m.cols+c)*n:][:n], columns[(c*m.rows+r)*n:])
		}
	}
	return matrix{from: bytes.NewReader(rows), rows: m.rows, cols: m.cols, element: m.element}, nil
}

// openArrays opens a .npz file: a zip of .npy files.
func (f vectorFile) openArrays(o Options) (*labelled, error) {
	file, size, err := f.lasting()
	if err != nil {
		return nil, err
	}
	l := &labelled{vectors: &vectors{name: printable(f.path), close: file}}
	if err := l.readArrays(file, size, o); err != nil {
		file.Close()
		return nil, err
	}
	return l, nil
}

func (l *labelled) readArrays(file *os.File, size int64, o Options) error {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return errors.Wrap(err, "npz")
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	arrays := make(map[string]*zip.File)
	var names []string
	for _, f := range z.File {
		if name, ok := strings.CutSuffix(f.Name, ".npy"); ok {
			arrays[name] = f
			names = append(names, name)
		}
	}
	x, err := chooseArray("vectors", vectorWords, "arr_0", names)
	if err != nil {
		return err
	}
	y, err := chooseArray("labels", labelWords, "arr_1", names)
	if err != nil {
		return err
	}
	if err := l.readPacked(file, arrays[x], o); err != nil {
		return errors.WithMessagef(err, "array %s", x)
	}
	r, err := arrays[y].Open()
	if err != nil {
		return errors.Wrapf(err, "array %s", y)
	}
	defer r.Close()
	h, err := npy.Read(r)
	if err != nil {
		return errors.WithMessagef(err, "array %s", y)
	}
	if l.labels, err = labelsOfArray(r, h); err != nil {
		return errors.WithMessagef(err, "array %s", y)
	}
	return l.check()
}

// chooseArray finds the array that is called by one of the words, or as NumPy calls those
// without a name.
func chooseArray(what string, words []string, unnamed string, names []string) (string, error) {
	for _, word := range append(slices.Clone(words), unnamed) {
		for _, name := range names {
			if slices.Contains(nameWords(name+"."), word) || strings.EqualFold(name, word) {
				return name, nil
			}
		}
	}
	return "", errors.Errorf("no array of %s: want one called %s, there are %s", what, words[0], strings.Join(quoteAll(names), ", "))
}

// readPacked uses an array where it lies if it is not compressed, and else unpacks it.
func (l *labelled) readPacked(file *os.File, f *zip.File, o Options) error {
	size := int64(f.UncompressedSize64)
	if f.Method == zip.Store {
		offset, err := f.DataOffset()
		if err != nil {
			return errors.Wrap(err, "npz")
		}
		return l.readArray(io.NewSectionReader(file, offset, size), size, o)
	}
	if size < 0 || size > o.CacheBytes {
		return wrongOption("compressed, and with %d MiB too large to be unpacked in memory: save it with np.savez, or raise %s", f.UncompressedSize64>>20, field.Name("CacheBytes"))
	}
	r, err := f.Open()
	if err != nil {
		return errors.Wrap(err, "npz")
	}
	defer r.Close()
	var unpacked bytes.Buffer // grows with what is there, whatever the header says
	if _, err := io.Copy(&unpacked, io.LimitReader(r, size)); err != nil {
		return errors.Wrap(err, "npz")
	}
	return l.readArray(io.NewSectionReader(bytes.NewReader(unpacked.Bytes()), 0, int64(unpacked.Len())), int64(unpacked.Len()), o)
}

// openTensors opens a .safetensors file, such as a run's embeddings.safetensors.
func (f vectorFile) openTensors(o Options) (*labelled, error) {
	file, size, err := f.lasting()
	if err != nil {
		return nil, err
	}
	l := &labelled{vectors: &vectors{name: printable(f.path), close: file}}
	if err := l.readTensors(file, size); err != nil {
		file.Close()
		return nil, err
	}
	return l, nil
}

func (l *labelled) readTensors(file *os.File, size int64) error {
	metadata, tensors, err := safetensors.Locate(file, size)
	if err != nil {
		return err
	}
	byName := make(map[string]safetensors.Location)
	var names []string
	for _, t := range tensors {
		byName[t.Name] = t
		names = append(names, t.Name)
	}
	x, err := chooseArray("vectors", vectorWords, "", names)
	if err != nil {
		return err
	}
	y, err := chooseArray("labels", labelWords, "", names)
	if err != nil {
		return err
	}
	m := matrix{from: file, offset: byName[x].Offset}
	if m.element, err = elementOf(string(byName[x].Dtype)); err != nil {
		return errors.WithMessagef(err, "tensor %s", x)
	}
	if err := m.setShape(byName[x].Shape, byName[x].Bytes); err != nil {
		return errors.WithMessagef(err, "tensor %s", x)
	}
	l.vectors.matrix = m
	t := byName[y]
	h := npy.Header{Descr: string(t.Dtype), Shape: t.Shape}
	if l.labels, err = labelsOfArray(io.NewSectionReader(file, t.Offset, t.Bytes), h); err != nil {
		return errors.WithMessagef(err, "tensor %s", y)
	}
	if err := l.check(); err != nil {
		return err
	}
	return l.takeNames(metadata)
}

// takeNames reads what a run's file of embeddings says besides: the names of the classes by
// their numbers, and the path of each picture.
func (l *labelled) takeNames(metadata map[string]string) error {
	var classes, paths []string
	for key, list := range map[string]*[]string{"classes": &classes, "paths": &paths} {
		if text := metadata[key]; text != "" {
			if err := json.Unmarshal([]byte(text), list); err != nil {
				return nil // another program's metadata
			}
		}
	}
	if len(paths) == l.vectors.rows {
		l.vectors.paths = func(row int) string { return printable(paths[row]) }
	}
	if classes == nil {
		return nil
	}
	named := newLabeller(len(l.labels.of))
	for _, n := range l.labels.of {
		i, ok := indexOf(l.labels.names[n], len(classes))
		if !ok {
			return errors.Errorf("label %s, and the metadata name %d classes", l.labels.names[n], len(classes))
		}
		named.add(classes[i])
	}
	l.labels = named.sorted()
	return nil
}
