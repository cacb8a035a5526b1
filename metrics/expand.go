package metrics

import (
	"context"
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
)

// ExpandOptions says what Expand adds to a query.
type ExpandOptions struct {
	Neighbours int     // so many of the gallery, nearest by cosine
	Alpha      float64 // α: a neighbour weighs as its cosine, raised to that power; 0: as much as the query itself

	GalleryHoldsQueries bool  // query i is also row i of the gallery, and is not its own neighbour
	OwnRows             []int // in place of GalleryHoldsQueries: query i is also row OwnRows[i], below zero for none
}

// Expand replaces each query by a weighted mean of itself and its neighbours of the gallery, of length 1:
//
//	q + Σ over the neighbours x of max(0, cos(q, x))^α · x,  of rows at length 1
//
// so that a search for it finds what is near to those too. With a nil gallery each row takes up those next
// to it among the others, which done to a gallery is called database augmentation.
//
// O. Chum, J. Philbin, J. Sivic, M. Isard and A. Zisserman, "Total Recall: Automatic Query Expansion with a
// Generative Feature Model for Object Retrieval", ICCV 2007 (α = 0, average query expansion); F. Radenović,
// G. Tolias and O. Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2018 (α = 3).
func Expand(ctx context.Context, query Set, gallery *Set, o ExpandOptions) (Set, error) {
	if o.Neighbours < 1 {
		return Set{}, errors.Errorf("metrics: query expansion by %d neighbours; take 1 at least", o.Neighbours)
	}
	if !(o.Alpha >= 0 && o.Alpha <= 1000) {
		return Set{}, errors.Errorf("metrics: query expansion with Alpha %v; take a number from 0 to 1000", o.Alpha)
	}
	found, err := Search(ctx, query, gallery, SearchOptions{
		K: o.Neighbours, Distance: Cosine, GalleryHoldsQueries: o.GalleryHoldsQueries, OwnRows: o.OwnRows,
	})
	if err != nil {
		return Set{}, err
	}
	of := query
	if gallery != nil {
		of = *gallery
	}
	out := query
	out.Embeddings = make([]float32, len(query.Embeddings))
	loops.Parallel(query.Len(), 16, func(lo, hi int) {
		sum := make([]float64, query.Dim)
		for i := lo; i < hi; i++ {
			clear(sum)
			addUnit(sum, 1, query.Row(i))
			rows, distances := found.Of(i)
			for k, row := range rows {
				addUnit(sum, math.Pow(max(0, 1-distances[k]), o.Alpha), of.Row(int(row)))
			}
			writeUnit(out.Row(i), sum)
		}
	})
	return out, nil
}

// addUnit adds a multiple of a row at length 1; a row of zeros stays one.
func addUnit(sum []float64, weight float64, row []float32) {
	if n := math.Sqrt(nearest.Dot(row, row)); n > 0 {
		for j, v := range row {
			sum[j] += weight * float64(v) / n
		}
	}
}

// writeUnit writes a row at length 1; zeros stay zeros.
func writeUnit(out []float32, row []float64) {
	n := 0.0
	for _, v := range row {
		n += v * v
	}
	if n = math.Sqrt(n); n == 0 {
		n = 1
	}
	for j, v := range row {
		out[j] = float32(v / n)
	}
}
