package metrics

import (
	"math"

	"github.com/pkg/errors"
)

// Set is N embeddings with their labels.
type Set struct {
	Embeddings []float32 // N×Dim, row-major
	Dim        int
	Labels     []int // N class labels, any integers
	// Cameras (N) tells what took each picture, below zero if that is not known; nil if of
	// none. Where they are known, Evaluate measures re-identification across cameras
	// besides; see [ReID].
	Cameras []int
}

// Len is the number of rows, N.
func (s Set) Len() int {
	if s.Dim <= 0 {
		return 0
	}
	return len(s.Embeddings) / s.Dim
}

// Row is row i of the embeddings.
func (s Set) Row(i int) []float32 { return s.Embeddings[i*s.Dim : (i+1)*s.Dim : (i+1)*s.Dim] }

// maxRows keeps row numbers within an int32.
const maxRows = math.MaxInt32

// check tells what is wrong with a set that errors call by name.
func (s Set) check(name string) error {
	switch {
	case s.Dim <= 0:
		return errors.Errorf("metrics: %s: the embedding size Dim is %d", name, s.Dim)
	case len(s.Embeddings) == 0:
		return errors.Errorf("metrics: %s: no embeddings", name)
	case len(s.Embeddings)%s.Dim != 0:
		return errors.Errorf("metrics: %s: %d numbers are no whole rows of %d", name, len(s.Embeddings), s.Dim)
	case s.Len() > maxRows:
		return errors.Errorf("metrics: %s: %d rows, at most %d are supported", name, s.Len(), maxRows)
	}
	for i, v := range s.Embeddings {
		if v-v != 0 { // NaN or infinite
			return errors.Errorf("metrics: %s: row %d holds %v; did the training diverge?", name, i/s.Dim, v)
		}
	}
	return nil
}

func (s Set) checkLabels(name string) error {
	if len(s.Labels) != s.Len() {
		return errors.Errorf("metrics: %s: %d labels for %d rows", name, len(s.Labels), s.Len())
	}
	if s.Cameras != nil && len(s.Cameras) != s.Len() {
		return errors.Errorf("metrics: %s: %d cameras for %d rows", name, len(s.Cameras), s.Len())
	}
	return nil
}

// matching is a checked pair of query and gallery.
type matching struct {
	query, gallery Set
	own            bool  // queries stand in the gallery too, to be left out of their own rankings
	ownRows        []int // query → its gallery row, −1 for none; nil where it is row i itself
}

// match checks query and gallery together; a nil gallery is the query itself.
func match(query Set, gallery *Set, holds bool, ownRows []int) (matching, error) {
	m := matching{query: query, gallery: query, own: true}
	if err := query.check("query"); err != nil {
		return m, err
	}
	if gallery != nil {
		m.gallery, m.own, m.ownRows = *gallery, holds || ownRows != nil, ownRows
		if err := gallery.check("gallery"); err != nil {
			return m, err
		}
	}
	if m.query.Dim != m.gallery.Dim {
		return m, errors.Errorf("metrics: the query's rows have %d numbers, the gallery's %d", m.query.Dim, m.gallery.Dim)
	}
	if ownRows != nil {
		if err := m.checkOwnRows(holds || gallery == nil); err != nil {
			return m, err
		}
	} else if m.own && m.query.Len() > m.gallery.Len() {
		return m, errors.Errorf("metrics: GalleryHoldsQueries: %d queries cannot be the first rows of a gallery of %d", m.query.Len(), m.gallery.Len())
	}
	if m.own && m.gallery.Len() == 1 {
		return m, errors.New("metrics: the gallery holds nothing but the query itself")
	}
	return m, nil
}

func (m matching) checkOwnRows(known bool) error {
	if known {
		return errors.New("metrics: OwnRows together with GalleryHoldsQueries or without a gallery; leave it out")
	}
	if len(m.ownRows) != m.query.Len() {
		return errors.Errorf("metrics: OwnRows: %d rows for %d queries", len(m.ownRows), m.query.Len())
	}
	for i, row := range m.ownRows {
		if row >= m.gallery.Len() {
			return errors.Errorf("metrics: OwnRows: query %d is row %d of a gallery of %d", i, row, m.gallery.Len())
		}
	}
	return nil
}

// ownRow is the gallery row that query i is itself, negative for none.
func (m matching) ownRow(i int) int {
	switch {
	case m.ownRows != nil:
		return m.ownRows[i]
	case m.own:
		return i
	}
	return -1
}

func (m matching) checkLabels() error {
	if err := m.query.checkLabels("query"); err != nil {
		return err
	}
	if err := m.gallery.checkLabels("gallery"); err != nil {
		return err
	}
	if (m.query.Cameras == nil) != (m.gallery.Cameras == nil) {
		return errors.New("metrics: query and gallery: only one of them tells its Cameras; give both or neither")
	}
	return nil
}

// sameCamera reports whether query i and gallery row j were taken by one camera, as far
// as that is known.
func (m matching) sameCamera(i, j int) bool {
	return m.query.Cameras != nil && m.query.Cameras[i] >= 0 && m.query.Cameras[i] == m.gallery.Cameras[j]
}

// others is the number of gallery rows that a query is ranked against.
func (m matching) others() int {
	if m.own {
		return m.gallery.Len() - 1
	}
	return m.gallery.Len()
}

// relevant is the number of gallery rows of the label of each query, R.
func (m matching) relevant() []int {
	members := make(map[int]int)
	for _, l := range m.gallery.Labels {
		members[l]++
	}
	counts := make([]int, m.query.Len())
	for i, label := range m.query.Labels {
		counts[i] = members[label]
		if own := m.ownRow(i); own >= 0 && m.gallery.Labels[own] == label {
			counts[i]--
		}
	}
	return counts
}

// First is the first so many numbers of each row, at length 1: what a network learned that was taught nested
// sizes (the matryoshka loss) has the most of what it knows in them.
func (s Set) First(dim int) (Set, error) {
	if err := s.check("set"); err != nil {
		return Set{}, err
	}
	if dim < 1 || dim > s.Dim {
		return Set{}, errors.Errorf("metrics: the first %d numbers of rows of %d", dim, s.Dim)
	}
	out := s
	out.Dim, out.Embeddings = dim, make([]float32, s.Len()*dim)
	row := make([]float64, dim)
	for i := range s.Len() {
		for j, v := range s.Row(i)[:dim] {
			row[j] = float64(v)
		}
		writeUnit(out.Row(i), row)
	}
	return out, nil
}
