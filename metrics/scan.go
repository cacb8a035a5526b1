package metrics

import (
	"context"
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
)

// side is the rows of a query or gallery set, made ready for the matrix product.
type side struct {
	set     Set
	product []float32 // the rows that are multiplied: as they are, or divided by their norm for Cosine
	norm    []float64
	largest float64 // the largest norm
}

func newSide(set Set, d Distance) *side {
	s := &side{set: set, product: set.Embeddings, norm: make([]float64, set.Len())}
	if d == Cosine {
		s.product = make([]float32, len(set.Embeddings))
	}
	loops.Parallel(set.Len(), 256, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := set.Row(i)
			s.norm[i] = math.Sqrt(nearest.Dot(row, row))
			if d == Cosine && s.norm[i] > 0 {
				for j, v := range row {
					s.product[i*set.Dim+j] = float32(float64(v) / s.norm[i])
				}
			}
		}
	})
	for _, n := range s.norm {
		s.largest = max(s.largest, n)
	}
	return s
}

// scanner goes over all pairs of query and gallery in tiles.
type scanner struct {
	matching
	distance Distance
	block    block
	q, g     *side
	bias     []float32 // ‖b‖² of the gallery rows for Euclidean, else zeros
	tile     []float32
	upper    bool // leave out gallery rows before a block's first query: each pair is seen once
}

// block is how many queries are worked on at once, and with how many gallery rows they
// are multiplied at once: so many that packing them for the product costs little, and so
// few that the products are still in the cache when they are read.
type block struct{ queries, gallery int }

var (
	searchBlock = block{1024, 512}
	rankBlock   = block{256, 2048} // a query's state is large
)

func newScanner(m matching, d Distance, b block) *scanner {
	s := &scanner{matching: m, distance: d, block: b, q: newSide(m.query, d)}
	s.g = s.q
	if !m.own || len(m.query.Embeddings) != len(m.gallery.Embeddings) || &m.query.Embeddings[0] != &m.gallery.Embeddings[0] {
		s.g = newSide(m.gallery, d)
	}
	s.bias = make([]float32, m.gallery.Len())
	if d == Euclidean {
		for i, n := range s.g.norm {
			s.bias[i] = float32(n * n)
		}
	}
	s.tile = make([]float32, min(b.queries, m.query.Len())*min(b.gallery, m.gallery.Len()))
	return s
}

// key is the exact key of query i and gallery row j.
func (s *scanner) key(i, j int) float64 {
	return nearest.Distance(s.distance).Key(s.query.Row(i), s.gallery.Row(j), s.q.norm[i], s.g.norm[j])
}

// window turns an exact key of query i into the range of tile values that its gallery
// row can have: a value below lo belongs to a smaller key, one above hi to a larger.
func (s *scanner) window(i int, key float64) (lo, hi float32) {
	bound := s.distance.keyError(s.query.Dim, s.q.norm[i], s.g.largest)
	if s.distance == Euclidean {
		key -= s.q.norm[i] * s.q.norm[i]
	}
	return nearest.Down(key - bound), nearest.Up(key + bound)
}

// run calls begin for each block of queries [lo, hi), then visit for every query of
// the block and every stretch of gallery rows from first on, in parallel over the
// queries, then end. The tile value of a pair is values[j] + bias[j].
func (s *scanner) run(ctx context.Context, begin, end func(lo, hi int), visit func(query, first int, values, bias []float32)) error {
	for lo := 0; lo < s.query.Len(); lo += s.block.queries {
		hi := min(lo+s.block.queries, s.query.Len())
		begin(lo, hi)
		from := 0
		if s.upper {
			from = lo
		}
		for first := from; first < s.gallery.Len(); first += s.block.gallery {
			if err := ctx.Err(); err != nil {
				return errors.Wrapf(err, "metrics: stopped at query %d of %d", lo, s.query.Len())
			}
			s.scanTile(lo, hi, first, visit)
		}
		end(lo, hi)
	}
	return nil
}

func (s *scanner) scanTile(lo, hi, first int, visit func(query, first int, values, bias []float32)) {
	dim, width := s.query.Dim, min(s.block.gallery, s.gallery.Len()-first)
	alpha := float32(-1)
	if s.distance == Euclidean {
		alpha = -2
	}
	nearest.Products(s.tile, alpha, s.q.product[lo*dim:], hi-lo, s.g.product[first*dim:], width, dim)
	bias := s.bias[first : first+width]
	loops.Parallel(hi-lo, 8, func(a, b int) {
		for i := a; i < b; i++ {
			visit(lo+i, first, s.tile[i*width:(i+1)*width], bias)
		}
	})
}
