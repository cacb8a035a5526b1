package metrics

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
)

// seed chooses rows as the first centres by greedy k-means++: the first at random, each
// next as the best of 2 + ⌊ln k⌋ candidates, drawn with a probability in proportion to
// the squared distance to the nearest centre so far, the best being the one that leaves
// the least sum of those distances.
//
// D. Arthur and S. Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA
// 2007; several candidates are their suggestion in section 6.
func (l *lloyd) seed(ctx context.Context, rng *rand.Rand) error {
	n := len(l.near)
	tries := 2 + int(math.Log(float64(l.k)))
	s := newSeeding(l, tries)
	first := rng.IntN(n)
	s.place(0, first, nil)
	for c := 1; c < l.k; c++ {
		if err := ctx.Err(); err != nil {
			return errors.Wrapf(err, "metrics: k-means stopped at seed %d of %d", c, l.k)
		}
		s.draw(rng)
		best := s.best()
		s.place(c, s.rows[best], s.values[best*n:(best+1)*n])
	}
	return nil
}

type seeding struct {
	*lloyd
	rows       []int     // the candidates
	candidates []float32 // their embeddings
	values     []float32 // candidates×N tile values
	bound      float64   // of their error: norms are at most the largest
	sums       []float64 // what each candidate would leave
}

func newSeeding(l *lloyd, tries int) *seeding {
	for i := range l.near {
		l.near[i] = math.Inf(1)
	}
	return &seeding{
		lloyd: l, rows: make([]int, tries), sums: make([]float64, tries), values: make([]float32, tries*len(l.near)),
		bound: Euclidean.keyError(l.dim, l.side.largest, l.side.largest),
	}
}

// draw chooses the candidates. Where all rows lie on centres already, any row will do.
func (s *seeding) draw(rng *rand.Rand) {
	total := 0.0
	for _, d := range s.near {
		total += d
	}
	points := make([]float64, len(s.rows))
	for t := range points {
		points[t] = rng.Float64() * total
		s.rows[t] = rng.IntN(len(s.near)) // for total = 0
	}
	if total == 0 {
		return
	}
	sum := 0.0
	for i, d := range s.near {
		if d == 0 {
			continue
		}
		for t, p := range points {
			if p >= sum {
				s.rows[t] = i // the last such row holds the point
			}
		}
		sum += d
	}
}

// best is the number of the candidate that leaves the least sum.
func (s *seeding) best() int {
	n := len(s.near)
	s.candidates = s.candidates[:0]
	for _, row := range s.rows {
		s.candidates = append(s.candidates, s.side.set.Row(row)...)
	}
	nearest.Products(s.values, -2, s.candidates, len(s.rows), s.side.product, n, s.dim)
	loops.Parallel(len(s.rows), 1, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			s.sums[t] = s.sumWith(s.rows[t], s.values[t*n:(t+1)*n])
		}
	})
	at := 0
	for t, sum := range s.sums {
		if sum < s.sums[at] {
			at = t
		}
	}
	return at
}

// sumWith is the sum of squared distances to the nearest centre if row were one more.
// Only rows that the candidate may be nearer to need the exact distance.
func (s *seeding) sumWith(row int, values []float32) float64 {
	sum := 0.0
	for i := range s.near {
		sum += s.nearWith(i, row, values)
	}
	return sum
}

// nearWith is the squared distance of row i to the nearest centre if row were one more, values
// being those of row's products, or nil.
func (s *seeding) nearWith(i, row int, values []float32) float64 {
	side, near := s.side, s.near[i]
	if values != nil {
		about := side.norm[row]*side.norm[row] + side.norm[i]*side.norm[i] + float64(values[i])
		if about-s.bound >= near {
			return near
		}
	}
	return min(near, nearest.SquaredDistance(side.set.Row(i), side.set.Row(row)))
}

// place makes row the centre number c; values are those of its products, or nil.
func (s *seeding) place(c, row int, values []float32) {
	centre := s.side.set.Row(row)
	for d, v := range centre {
		s.centres[c*s.dim+d] = float64(v)
	}
	loops.Parallel(len(s.near), 256, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			s.near[i] = s.nearWith(i, row, values)
		}
	})
}
