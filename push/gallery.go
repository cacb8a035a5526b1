package push

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/pkg/errors"

	"medusa/embeddings"
	"medusa/index"
	"medusa/internal/field"
	"medusa/metrics"
)

// GalleryOptions is what a file may not say of itself.
type GalleryOptions struct {
	// Distance is how near embeddings are, one of metrics: euclidean, cosine or dot. An index says it
	// itself; euclidean for a file of embeddings if it is empty.
	Distance string
	// Model is the fingerprint of the model that made the vectors. What a file says itself must be the same.
	Model string
}

// Gallery is what is pushed: records of one model, in an order that is the same each time.
type Gallery struct {
	Name     string // of the file
	Model    string // fingerprint of the model that made the vectors; empty if nobody knows it
	Dim      int
	Distance metrics.Distance
	Digest   string   // checksum of all records, in hexadecimal
	Notes    []string // what who pushes it should know

	ids  map[string]bool
	each func(func(*Record) error) error
	some string // ID of a record
}

// Len is the number of records.
func (g *Gallery) Len() int { return len(g.ids) }

// Has reports whether a record has the ID.
func (g *Gallery) Has(id string) bool { return g.ids[id] }

// SomeID is the ID of the first record, for an example of a search; empty if there is none.
func (g *Gallery) SomeID() string { return g.some }

// Each calls visit with every record, which it must not retain, until an error comes.
func (g *Gallery) Each(visit func(*Record) error) error { return g.each(visit) }

// Open reads an index of package index or a file of embeddings, whichever path is, and checks that databases can
// keep its records.
func Open(path string, o GalleryOptions) (*Gallery, error) {
	isIndex, err := startsAsIndex(path)
	if err != nil {
		return nil, err
	}
	open := ofEmbeddings
	if isIndex {
		open = ofIndex
	}
	g, err := open(path, o)
	if err != nil {
		return nil, err
	}
	g.Name = path
	return g, g.check()
}

// startsAsIndex reports whether a file is one of package index.
func startsAsIndex(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, errors.Errorf("push: there is no file %s", path)
	case err != nil:
		return false, errors.Wrap(err, "push")
	case info.IsDir():
		return false, errors.Errorf("push: %s is a folder, want an index or a file of embeddings", path)
	case index.IsIndex(path):
		return true, nil
	}
	if embeddings.FormatOf(path) == "" {
		return false, errors.Errorf("push: %s is neither an index of Medusa nor, by its ending, a file of embeddings", path)
	}
	return false, nil
}

func ofIndex(path string, o GalleryOptions) (*Gallery, error) {
	x, err := index.Open(path)
	if err != nil {
		return nil, err
	}
	of := x.Options()
	if o.Distance != "" && o.Distance != of.Distance.String() {
		return nil, field.Errorf("push", "", "%s is %s, and the index %s compares by %s: leave it out", field.Name("Distance"), o.Distance, path, of.Distance)
	}
	g := &Gallery{Dim: of.Dim, Distance: of.Distance}
	if g.Model, err = sameModel(path, of.Model, o.Model); err != nil {
		return nil, err
	}
	switch {
	case of.Storage == index.Binary && !of.KeepFloats:
		return nil, errors.Errorf("push: the index %s keeps only the signs of vectors: push the embeddings that it was made of, or an index that keeps vectors as they came", path)
	case of.Storage == index.Int8 && !of.KeepFloats:
		g.Notes = append(g.Notes, "the index keeps a byte of each number: its vectors are pushed as they come back from that")
	}
	g.each = func(visit func(*Record) error) error {
		var failed error
		err := x.All(func(it index.Item) bool {
			failed = visit(&Record{strconv.FormatUint(it.ID, 10), it.Vector, it.Label, it.Path, it.Meta})
			return failed == nil
		})
		if failed != nil {
			return failed
		}
		return err
	}
	return g, nil
}

func ofEmbeddings(path string, o GalleryOptions) (*Gallery, error) {
	set, err := embeddings.Read(path)
	if err != nil {
		return nil, err
	}
	g := &Gallery{Dim: set.Dim}
	if o.Distance != "" {
		if err := g.Distance.UnmarshalText([]byte(o.Distance)); err != nil {
			return nil, field.Errorf("push", "", "%s is %q, want euclidean, cosine or dot", field.Name("Distance"), o.Distance)
		}
	}
	if g.Model, err = sameModel(path, set.Model, o.Model); err != nil {
		return nil, err
	}
	name, what := idsOf(set.Items)
	if what != "" {
		g.Notes = append(g.Notes, what)
	}
	g.each = func(visit func(*Record) error) error {
		for i, item := range set.Items {
			if err := visit(&Record{ID: name(i), Vector: set.Row(i), Label: item.Label, Path: item.Path}); err != nil {
				return err
			}
		}
		return nil
	}
	return g, nil
}

// idsOf is the ID of each item: its own, or its path, or its number where items lack these; and what is to be
// said of that.
func idsOf(items []embeddings.Item) (id func(i int) string, what string) {
	ids, paths := true, true
	for _, item := range items {
		ids, paths = ids && item.ID != "", paths && item.Path != ""
	}
	switch {
	case ids:
		return func(i int) string { return items[i].ID }, ""
	case paths:
		return func(i int) string { return items[i].Path }, "IDs are the paths"
	}
	return strconv.Itoa, "IDs are the numbers of rows, from 0"
}

// sameModel is the fingerprint of the model: what the file says, or what is given where it says nothing.
func sameModel(path, says, given string) (string, error) {
	if says == "" || given == "" || says == given {
		return cmp.Or(says, given), nil
	}
	return "", field.Errorf("push", "", "%s was made by model %s, and %s is %s: name the file of that model, or embed its items anew", path, says, field.Name("Model"), given)
}

// check looks at every record, and takes note of IDs and the checksum.
func (g *Gallery) check() error {
	h, zeros := sha256.New(), 0
	g.ids = map[string]bool{}
	err := g.Each(func(r *Record) error {
		if err := r.check(g.Dim); err != nil {
			return err
		}
		if g.ids[r.ID] {
			return errors.Errorf("push: two records have the ID %.80q", r.ID)
		}
		if len(g.ids) == 0 {
			g.some = r.ID
		}
		g.ids[r.ID] = true
		if isZero(r.Vector) {
			zeros++
		}
		r.hash(h)
		return nil
	})
	if zeros > 0 && g.Distance == metrics.Cosine {
		g.Notes = append(g.Notes, strconv.Itoa(zeros)+" of the vectors are zero and have no cosine: databases may not find them")
	}
	g.Digest = hex.EncodeToString(h.Sum(nil))
	return errors.WithMessage(err, g.Name)
}

func isZero(v []float32) bool {
	return !slices.ContainsFunc(v, func(x float32) bool { return x != 0 })
}
