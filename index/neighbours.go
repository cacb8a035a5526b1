package index

import (
	"context"
	"runtime"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/nearest"
	"medusa/internal/needs"
)

// Neighbours calls visit with each item for which the filter holds, by rising IDs, and the o.K items
// nearest to it among the others for which it holds, until visit returns an error, which comes back.
func (x *Index) Neighbours(ctx context.Context, o SearchOptions, visit func(it Item, near []Hit) error) error {
	if err := needs.Context("index", ctx); err != nil {
		return err
	}
	if o.K == 0 {
		o.K = 1
	}
	if err := x.checkOptions(o); err != nil {
		return err
	}
	s, err := x.view()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(s)
	return x.around(ctx, s, s.visible(&o.Filter), o, func(row int32, near []Hit) error { return visit(s.item(row), near) })
}

// visible is the rows for which a filter holds, by their ids.
func (s *snapshot) visible(f *Filter) []int32 {
	hidden, _ := s.hidden(f)
	return slices.DeleteFunc(s.order(), func(row int32) bool {
		c, at := split(row)
		return hidden[c].has(at)
	})
}

// around calls visit with each of the rows and the items nearest to it, itself left out.
func (x *Index) around(ctx context.Context, s *snapshot, rows []int32, o SearchOptions, visit func(row int32, near []Hit) error) error {
	k, dim := o.K, x.options.Dim
	o.K++ // for the row itself
	queries := make([]float32, 0, min(len(rows), nearest.FinderQueries)*dim)
	for first := 0; first < len(rows); first += nearest.FinderQueries {
		if err := ctx.Err(); err != nil {
			return errors.Wrapf(err, "index: stopped at item %d of %d", first, len(rows))
		}
		block := rows[first:min(first+nearest.FinderQueries, len(rows))]
		queries = queries[:0]
		for _, row := range block {
			c, at := split(row)
			queries = append(queries, s.chunks[c].vector(at, make([]float32, dim))...)
		}
		hits := make([][]Hit, len(block))
		if err := x.searchIn(ctx, s, queries, o, hits); err != nil {
			return err
		}
		for i, row := range block {
			near := slices.DeleteFunc(hits[i], func(h Hit) bool { return h.row == row })
			if err := visit(row, near[:min(k, len(near))]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOptions says what is wrong with how a search is to go.
func (x *Index) checkOptions(o SearchOptions) error {
	for _, n := range []struct {
		name  field.Name
		value int
	}{{"K", o.K}, {"Effort", o.Effort}, {"Rerank", o.Rerank}} {
		if n.value < 0 {
			return field.Errorf("index", "SearchOptions", "%s is %d, want 1 or more", n.name, n.value)
		}
	}
	if o.Rerank > 0 && !x.options.KeepFloats {
		return field.Errorf("index", "SearchOptions", "%s needs vectors as they came, which are kept by Options.KeepFloats", field.Name("Rerank"))
	}
	return nil
}
