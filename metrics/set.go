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
	// Cameras (N) tells what took each picture, any integers; nil if unknown. Where they
	// are known, Evaluate measures re-identification across cameras besides; see [ReID].
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
	own            bool // query i is row i of the gallery, to be left out of its own ranking
}

// match checks query and gallery together; a nil gallery is the query itself.
func match(query Set, gallery *Set, own bool) (matching, error) {
	m := matching{query: query, gallery: query, own: true}
	if err := query.check("query"); err != nil {
		return m, err
	}
	if gallery != nil {
		m.gallery, m.own = *gallery, own
		if err := gallery.check("gallery"); err != nil {
			return m, err
		}
	}
	if m.query.Dim != m.gallery.Dim {
		return m, errors.Errorf("metrics: the query's rows have %d numbers, the gallery's %d", m.query.Dim, m.gallery.Dim)
	}
	if m.own && m.query.Len() > m.gallery.Len() {
		return m, errors.Errorf("metrics: GalleryHoldsQueries: %d queries cannot be the first rows of a gallery of %d", m.query.Len(), m.gallery.Len())
	}
	if m.own && m.gallery.Len() == 1 {
		return m, errors.New("metrics: the gallery holds nothing but the query itself")
	}
	return m, nil
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
	return m.query.Cameras != nil && m.query.Cameras[i] == m.gallery.Cameras[j]
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
		if m.own && m.gallery.Labels[i] == label {
			counts[i]--
		}
	}
	return counts
}
