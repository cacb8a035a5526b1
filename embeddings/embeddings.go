package embeddings

import (
	"cmp"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// Info is what a file says of all its embeddings.
type Info struct {
	Dim   int    // numbers in each
	Model string // fingerprint of the model that made them, as model.Model.Fingerprint; empty if that is not known
}

// Item is what an embedding is of; each of the three may be empty.
type Item struct {
	ID    string `json:"id,omitempty"`
	Path  string `json:"path,omitempty"`
	Label string `json:"label,omitempty"` // its class
}

// Set is what a file holds.
type Set struct {
	Info
	Items   []Item
	Vectors []float32 // (N, Dim), row-major
}

// Len is how many embeddings there are.
func (s *Set) Len() int { return len(s.Items) }

// Row is embedding i.
func (s *Set) Row(i int) []float32 { return s.Vectors[i*s.Dim : (i+1)*s.Dim : (i+1)*s.Dim] }

// Labels are the labels as numbers of classes, in the form of metrics.Set, and the names of these, in
// ascending order. What has no label has −1.
func (s *Set) Labels() (labels []int, classes []string) {
	number := map[string]int{}
	for _, item := range s.Items {
		if item.Label != "" {
			number[item.Label] = 0
		}
	}
	classes = slices.Sorted(maps.Keys(number))
	for i, name := range classes {
		number[name] = i
	}
	number[""] = -1
	labels = make([]int, len(s.Items))
	for i, item := range s.Items {
		labels[i] = number[item.Label]
	}
	return labels, classes
}

// check says what is wrong with a set that was read.
func (s *Set) check() error {
	switch {
	case s.Dim < 1 || len(s.Vectors)%s.Dim != 0:
		return errors.Errorf("%d numbers in vectors of %d", len(s.Vectors), s.Dim)
	case len(s.Items) != len(s.Vectors)/s.Dim:
		return errors.Errorf("%d vectors, and %d names", len(s.Vectors)/s.Dim, len(s.Items))
	}
	return nil
}

// format is one form of a file.
type format struct {
	name  string
	write func(w io.Writer, c *content) error
	// beside are further files, by what their names have in place of the ending.
	beside func(c *content) map[string]func(w io.Writer) error
	read   func(path string) (*Set, error)
}

var formats = []format{
	{"npy", writeNPY, besideNPY, readNPY},
	{"safetensors", writeTensors, nil, readTensors},
	{"csv", writeCSV, nil, readCSV},
	{"jsonl", writeJSONL, nil, readJSONL},
	{"parquet", writeParquet, nil, readParquet},
}

// Formats are the names of the formats, which are endings too.
func Formats() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// FormatOf is the format that the ending of a path says; empty if it says none.
func FormatOf(path string) string {
	if f := formatNamed(strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")); f != nil {
		return f.name
	}
	return ""
}

func formatNamed(name string) *format {
	for i := range formats {
		if formats[i].name == name {
			return &formats[i]
		}
	}
	return nil
}

// formatFor is the format of a path, or the one that was named.
func formatFor(path, name string) (*format, error) {
	f := formatNamed(cmp.Or(name, FormatOf(path)))
	switch {
	case f != nil:
		return f, nil
	case name != "":
		return nil, errors.Errorf("embeddings: no format is called %.40q, want one of %s", name, strings.Join(Formats(), ", "))
	}
	return nil, errors.Errorf("embeddings: %s: the ending says no format, want one of .%s", path, strings.Join(Formats(), ", ."))
}

// Read reads a file of embeddings whole, also the embeddings.safetensors of a run, and an array of NumPy's
// of vectors (N, E) without anything beside.
func Read(path string) (*Set, error) {
	f, err := formatFor(path, "")
	if err != nil {
		return nil, err
	}
	s, err := f.read(path)
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, errors.WithMessagef(err, "embeddings: %s", path)
	}
	return s, nil
}

// number is a float32 in the fewest digits that give it back.
func number(b []byte, v float32) []byte { return strconv.AppendFloat(b, float64(v), 'g', -1, 32) }
