package trainer

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/metrics"
)

// retrieval is which pictures of a part are searched for, and among which.
type retrieval struct {
	query   metrics.Set
	gallery *metrics.Set // nil: each picture is a query among all others
	own     bool         // query i is row i of the gallery too
	queries []int        // row of query → picture
	rows    []int        // row of gallery → picture
}

// retrievalOf takes the roles of d's pictures to their embeddings x, of dim numbers each.
func retrievalOf(d *datasets.Dataset, x []float32, dim int) (retrieval, error) {
	r := retrieval{queries: d.Queries(), rows: d.Gallery()}
	if !d.HasRoles() {
		r.query = metrics.Set{Embeddings: x, Dim: dim, Labels: d.Labels()}
		return r, nil
	}
	both := 0
	for _, i := range r.queries {
		if d.Role(i) == datasets.QueryAndGallery {
			both++
		}
	}
	switch both {
	case 0:
	case len(r.queries): // they come first, so that each is left out of its own ranking
		r.own = true
		r.rows = slices.Concat(r.queries, slices.DeleteFunc(r.rows, func(i int) bool {
			_, isQuery := slices.BinarySearch(r.queries, i)
			return isQuery
		}))
	default:
		return r, errors.Errorf("trainer: of %d queries %d are in the gallery too and %d are not, which cannot be measured together: "+
			"let all be in the gallery or none", len(r.queries), both, len(r.queries)-both)
	}
	if len(r.queries) == 0 || len(r.rows) == 0 {
		return r, errors.Errorf("trainer: %d queries and %d pictures in the gallery: retrieval needs both", len(r.queries), len(r.rows))
	}
	gallery := subset(d, x, dim, r.rows)
	r.query, r.gallery = subset(d, x, dim, r.queries), &gallery
	return r, nil
}

// subset is the embeddings and labels of some pictures.
func subset(d *datasets.Dataset, x []float32, dim int, pictures []int) metrics.Set {
	s := metrics.Set{Dim: dim}
	for _, i := range pictures {
		s.Embeddings = append(s.Embeddings, x[i*dim:(i+1)*dim]...)
		s.Labels = append(s.Labels, d.Labels()[i])
	}
	return s
}
