package embeddings

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"

	"medusa/internal/filewrite"
)

// Options says how a file is written. The zero value is usable.
type Options struct {
	Format    string // one of Formats, in place of what the ending says
	Overwrite bool   // a file that is there gives way, once the new one is whole; else it is an error
	// Of describes what is embedded, such as the paths that were given: a part that is there is gone on with if it is of the
	// same, and an *OtherPartError if not.
	Of string
}

// Writer writes a file of embeddings. One goroutine uses it at a time.
type Writer struct {
	path   string
	format *format
	part   *part
	closed bool
}

// Create begins a file of embeddings, or goes on with the part that another Writer left: then Mark says from
// where on. Close puts the file in place.
func Create(path string, info Info, o Options) (*Writer, error) {
	f, err := formatFor(path, o.Format)
	if err != nil {
		return nil, err
	}
	if info.Dim < 1 {
		return nil, errors.Errorf("embeddings: %s: Info.Dim is %d, want the length of an embedding", path, info.Dim)
	}
	w := &Writer{path: path, format: f}
	if !o.Overwrite {
		for _, name := range w.files() {
			if _, err := os.Lstat(name); err == nil {
				return nil, errors.WithStack(&ExistsError{Path: name})
			}
		}
	}
	if w.part, err = openPart(path+partEnding, partHeader{Dim: info.Dim, Model: info.Model, Of: o.Of}); err != nil {
		if errors.As(err, new(*OtherPartError)) {
			return nil, err
		}
		return nil, errors.WithMessage(err, "embeddings")
	}
	return w, nil
}

// ExistsError says that a file is there which would be written over.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string {
	return "embeddings: " + e.Path + " is there already: name another file, remove it, or set Options.Overwrite"
}

// files are those that Close may write.
func (w *Writer) files() []string {
	names := []string{w.path}
	if w.format.beside != nil {
		for name := range w.format.beside(&content{allLabelled: true, labelled: 1}) {
			names = append(names, w.besidePath(name))
		}
	}
	return names
}

// Beside are the paths of the further files that Close writes.
func (w *Writer) Beside() (paths []string) {
	if w.format.beside == nil {
		return nil
	}
	for name := range w.format.beside(w.part.content) {
		paths = append(paths, w.besidePath(name))
	}
	slices.Sort(paths)
	return paths
}

// besidePath is that of a file beside, such as photos_items.json of photos.npy.
func (w *Writer) besidePath(name string) string { return besideName(w.path, name) }

func besideName(path, name string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + name
}

// PartPath is where the file grows.
func (w *Writer) PartPath() string { return w.path + partEnding }

// Mark is the last one that was set; the zero Mark if none was.
func (w *Writer) Mark() Mark { return w.part.mark }

// Len is how many embeddings there are so far, those of the part that was gone on with among them.
func (w *Writer) Len() int { return w.part.count }

// Add adds embeddings (N, Dim), row-major, of N items.
func (w *Writer) Add(items []Item, vectors []float32) error {
	switch {
	case w.closed:
		return errors.Errorf("embeddings: %s is closed", w.path)
	case len(vectors) != len(items)*w.part.Dim:
		return errors.Errorf("embeddings: %s: %d numbers for %d items, want %d of each", w.path, len(vectors), len(items), w.part.Dim)
	case len(items) == 0:
		return nil
	}
	for _, item := range items {
		for _, text := range []string{item.ID, item.Path, item.Label} {
			if !utf8.ValidString(text) {
				return errors.Errorf("embeddings: %s: %.80q is no UTF-8, which all formats want: take another name for it", w.path, text)
			}
		}
	}
	payload, err := rowsPayload(items, bytesOf(vectors))
	if err == nil {
		err = w.part.append(rowsRecord, payload...)
	}
	if err != nil {
		return errors.WithMessagef(err, "embeddings: %s", w.PartPath())
	}
	w.part.saw(items, len(items))
	return nil
}

// SetMark says that what was added so far is worth keeping, and how far the work has come by that.
func (w *Writer) SetMark(m Mark) error {
	if w.closed {
		return errors.Errorf("embeddings: %s is closed", w.path)
	}
	text, err := json.Marshal(m)
	if err == nil {
		err = w.part.append(markRecord, text)
	}
	w.part.mark = m
	return errors.WithMessagef(err, "embeddings: %s", w.PartPath())
}

// Suspend leaves the part as it is, to be gone on with by Create. After Close it does nothing.
func (w *Writer) Suspend() error {
	if w.closed {
		return nil
	}
	w.closed = true
	err := w.part.file.Sync()
	if e := w.part.file.Close(); err == nil {
		err = e
	}
	return errors.Wrapf(err, "embeddings: %s", w.PartPath())
}

// Close puts the file in place, whole, and removes the part. If that fails the part stays.
func (w *Writer) Close() error {
	if w.closed {
		return errors.Errorf("embeddings: %s is closed", w.path)
	}
	c := w.part.content
	earlier := w.files()[1:]
	if w.format.beside != nil {
		for name, write := range w.format.beside(c) {
			path := w.besidePath(name)
			if err := filewrite.Whole(path, write); err != nil {
				return errors.Wrapf(err, "embeddings: %s", path)
			}
			earlier = slices.DeleteFunc(earlier, func(other string) bool { return other == path })
		}
	}
	for _, path := range earlier { // such as labels of what is written over
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return errors.Wrap(err, "embeddings")
		}
	}
	if err := filewrite.Whole(w.path, func(out io.Writer) error { return w.format.write(out, c) }); err != nil {
		return errors.Wrapf(err, "embeddings: %s", w.path)
	}
	if err := w.Suspend(); err != nil {
		return err
	}
	return errors.Wrap(os.Remove(w.PartPath()), "embeddings")
}

// Discard gives the work up: it removes the part. After Close it does nothing.
func (w *Writer) Discard() error {
	if w.closed {
		return nil
	}
	w.Suspend()
	return errors.Wrap(os.Remove(w.PartPath()), "embeddings")
}

// content is all embeddings of a file, which each hands on some at a time, as bytes of float32.
type content struct {
	Info
	count, labelled, ided int
	allLabelled           bool
	each                  func(func(items []Item, vectors []byte) error) error
}

// saw counts rows.
func (c *content) saw(items []Item, rows int) {
	c.count += rows
	for _, item := range items {
		if item.Label != "" {
			c.labelled++
		} else {
			c.allLabelled = false
		}
		if item.ID != "" {
			c.ided++
		}
	}
}

// join counts those of other, too.
func (c *content) join(other content) {
	c.count += other.count
	c.labelled += other.labelled
	c.ided += other.ided
	c.allLabelled = c.allLabelled && other.allLabelled
}

// bytesOf is numbers in the bytes of a little-endian machine.
func bytesOf(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// floatsOf is what bytesOf was made of.
func floatsOf(b []byte, to []float32) []float32 {
	to = to[:0]
	for ; len(b) >= 4; b = b[4:] {
		to = append(to, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return to
}
