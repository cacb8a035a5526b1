package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// The formats.
const (
	Safetensors = "safetensors"
	PyTorch     = "pytorch"
	ONNX        = "onnx"
)

// File is an open file of weights.
type File struct {
	Format   string
	Metadata map[string]string // what the file says of itself; of PyTorch's, texts and numbers beside the tensors
	Tensors  []*Tensor         // in the file's order
	LeftOut  []string          // what else is in the file and is not read, such as objects of a program's classes

	paths []string
	close []io.Closer
}

// Open opens the file at path: of weights, or a list of shards (model.safetensors.index.json), which lie
// beside it. Close it when the tensors have been read.
func Open(path string) (*File, error) {
	f := &File{Metadata: map[string]string{}}
	if err := f.open(path); err != nil {
		f.Close()
		return nil, errors.WithMessagef(err, "weights: %s", path)
	}
	return f, nil
}

func (f *File) open(path string) error {
	if err := refuseFolder(path); err != nil {
		return err
	}
	r, size, err := f.add(path)
	if err != nil {
		return err
	}
	_, read, err := formatOf(r, size)
	if err != nil {
		return err
	}
	if err := read(f, source{ReaderAt: r, size: size, path: path}); err != nil {
		return err
	}
	return f.unique()
}

// source is a file that is read.
type source struct {
	io.ReaderAt
	size  int64
	path  string
	shard bool // it is one of several, whose list was opened
}

// section is a reader of what comes from a byte on.
func (s source) section(at int64) *io.SectionReader { return io.NewSectionReader(s, at, s.size-at) }

// add opens a file that belongs to f.
func (f *File) add(path string) (*os.File, int64, error) {
	r, err := fileread.Open(path)
	if err != nil {
		return nil, 0, err
	}
	f.close = append(f.close, r)
	info, err := r.Stat()
	if err != nil {
		return nil, 0, errors.WithStack(err)
	}
	f.paths = append(f.paths, path)
	return r, info.Size(), nil
}

// refuseFolder returns an error for a folder, which says what in it may be meant.
func refuseFolder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		switch ext := filepath.Ext(e.Name()); {
		case slices.Contains([]string{".safetensors", ".pth", ".pt", ".bin", ".onnx"}, ext), strings.HasSuffix(e.Name(), ".index.json"):
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if len(names) == 0 {
		return errors.New("it is a folder, want a file of weights (.safetensors, .pth, .onnx)")
	}
	return errors.Errorf("it is a folder, want a file of it: %s", strings.Join(names[:min(len(names), 5)], ", "))
}

// unique returns an error where two tensors have one name.
func (f *File) unique() error {
	seen := map[string]bool{}
	for _, t := range f.Tensors {
		if seen[t.Name] {
			return errors.Errorf("the tensor %q is there twice: the file is damaged", t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}

// Lookup finds a tensor by its name; nil if there is none.
func (f *File) Lookup(name string) *Tensor {
	i := slices.IndexFunc(f.Tensors, func(t *Tensor) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return f.Tensors[i]
}

// Close closes what Open opened; tensors that were not read then cannot be.
func (f *File) Close() error {
	var first error
	for _, c := range f.close {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	f.close = nil
	return errors.Wrap(first, "weights")
}

// Sum is the checksum of a file.
type Sum struct{ Path, SHA256 string }

// Sums are the checksums of the files whose bytes the weights are: the file that was opened first, then its
// shards or what else it keeps its numbers in. It reads them whole.
func (f *File) Sums() ([]Sum, error) {
	var out []Sum
	for _, path := range f.paths {
		sum, err := sumOf(path)
		if err != nil {
			return nil, errors.Wrap(err, "weights")
		}
		out = append(out, Sum{path, sum})
	}
	return out, nil
}

func sumOf(path string) (string, error) {
	r, err := fileread.Open(path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", errors.WithStack(err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
