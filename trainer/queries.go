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
	own     []int        // query → the row of the gallery that it is too, -1 for none; nil without a gallery
	queries []int        // row of query → picture
	rows    []int        // row of gallery → picture
}

// retrievalOf takes the roles of d's pictures to their embeddings x, of dim numbers each.
func retrievalOf(d *items, x []float32, dim int) (retrieval, error) {
	r := retrieval{queries: d.Queries(), rows: d.Gallery()}
	if !d.HasRoles() {
		r.query = metrics.Set{Embeddings: x, Dim: dim, Labels: d.Labels(), Cameras: camerasOf(d).Of}
		return r, nil
	}
	if len(r.queries) == 0 || len(r.rows) == 0 {
		return r, errors.Errorf("trainer: %d queries and %d pictures in the gallery: retrieval needs both", len(r.queries), len(r.rows))
	}
	for _, i := range r.queries {
		row, found := slices.BinarySearch(r.rows, i)
		if !found {
			row = -1
		}
		r.own = append(r.own, row)
	}
	gallery := subset(d, x, dim, r.rows)
	r.query, r.gallery = subset(d, x, dim, r.queries), &gallery
	return r, nil
}

// camerasOf is what took each picture: a picture of a query's own class and camera is no
// answer, and no more is another one of its sequence where no cameras are known.
func camerasOf(d *items) datasets.Groups {
	if c := d.Cameras(); c.Of != nil {
		return c
	}
	return d.Sequences()
}

// subset is the embeddings, labels and cameras of some pictures.
func subset(d *items, x []float32, dim int, pictures []int) metrics.Set {
	s := metrics.Set{Dim: dim}
	cameras := camerasOf(d).Of
	for _, i := range pictures {
		s.Embeddings = append(s.Embeddings, x[i*dim:(i+1)*dim]...)
		s.Labels = append(s.Labels, d.Labels()[i])
		if cameras != nil {
			s.Cameras = append(s.Cameras, cameras[i])
		}
	}
	return s
}

// withQueries is r with some of its queries, by their rows.
func (r retrieval) withQueries(rows []int) retrieval {
	out := r
	if r.gallery == nil {
		all := r.query
		out.gallery = &all
	}
	out.query = metrics.Set{Dim: r.query.Dim}
	out.queries, out.own = nil, nil
	for _, row := range rows {
		out.query.Embeddings = append(out.query.Embeddings, r.query.Row(row)...)
		out.query.Labels = append(out.query.Labels, r.query.Labels[row])
		if r.query.Cameras != nil {
			out.query.Cameras = append(out.query.Cameras, r.query.Cameras[row])
		}
		out.queries = append(out.queries, r.queries[row])
		own := row
		if r.gallery != nil {
			own = r.own[row]
		}
		out.own = append(out.own, own)
	}
	return out
}
