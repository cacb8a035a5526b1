package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// byProduct tells which distances are made of products of the rows.
func byProduct(s spec.Distance) bool {
	return (s.Metric == spec.Euclidean || s.Metric == spec.SquaredEuclidean) && s.D >= 8
}

// centred is the rows of a matrix moved to where their mean is 0, with their squared
// lengths. That changes no distance, and rows far from the origin, or all alike as those of
// an untrained network, do not lose their differences in large products.
type centred struct {
	d       int
	shift   []float32
	x       []float32
	norms   []float32
	rowTask func(lo, hi int)
	src     []float32
}

func newCentred(rows, d int) *centred {
	c := &centred{d: d, shift: make([]float32, d), x: make([]float32, rows*d), norms: make([]float32, rows)}
	c.rowTask = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := c.x[i*d : (i+1)*d]
			loops.Sub(row, c.src[i*d:(i+1)*d], c.shift)
			c.norms[i] = float32(loops.Dot(row, row))
			if c.norms[i] > math.MaxFloat32/8 { // n − 2·⟨x, y⟩ might overflow where the distance does not
				c.norms[i] = float32(math.Inf(1))
			}
		}
	}
	return c
}

// setMean takes the mean of x's rows, about: any shift will do.
func (c *centred) setMean(x []float32) {
	copy(c.shift, x[:c.d])
	for i := c.d; i < len(x); i += c.d {
		loops.Add(c.shift, c.shift, x[i:i+c.d])
	}
	loops.Affine(c.shift, c.shift, 1/float32(len(x)/c.d), 0)
}

// move sets the rows to those of x without the shift.
func (c *centred) move(x []float32) {
	c.src = x
	loops.Parallel(len(x)/c.d, rowGrain(c.d), c.rowTask)
	c.src = nil
}

// productDistances makes Euclidean distances in float32 as n − 2·⟨x, y⟩ of the centred
// rows, n being the sum of their squared lengths, but for close rows (loops.Apart), which are
// compared number by number. The relative error of a distance is some units in the last
// place times 8 at the most, as is that of its square times 16, whatever the rows; equal
// rows have distance 0.
func productDistances(s spec.Distance) func(out []float32, in [][]float32) {
	cx := newCentred(s.N, s.D)
	cy := cx
	if !s.Self {
		cy = newCentred(s.M, s.D)
		cy.shift = cx.shift
	}
	squared := s.Metric == spec.SquaredEuclidean
	half := newSymmetricProduct[float32](s.N, s.D)
	var x, y, out []float32
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			first := 0
			if s.Self {
				first = symmetric(s.N, i)
			}
			row := out[i*s.M+first : (i+1)*s.M]
			if !loops.Apart(row, row, cy.norms[first:], cx.norms[i], squared) {
				continue
			}
			for k := loops.NextMarked(row, 0); k < len(row); k = loops.NextMarked(row, k+1) {
				j := first + k
				if s.Self && i == j && cx.norms[i] <= math.MaxFloat32 {
					row[k] = 0
					continue
				}
				row[k] = rowDistance(s.Metric, x[i*s.D:(i+1)*s.D], y[j*s.D:(j+1)*s.D])
			}
		}
	}
	return func(o []float32, in [][]float32) {
		x, y, out = in[0], in[len(in)-1], o
		cx.setMean(x)
		cx.move(x)
		if !s.Self {
			cy.move(y)
			loops.Gemm(false, true, s.N, s.M, s.D, 1, cx.x, s.D, cy.x, s.D, 0, out, s.M)
		} else {
			half.upper(out, cx.x)
		}
		loops.Parallel(s.N, rowGrain(s.M), body)
		if s.Self {
			half.mirror(out)
		}
		// Lengths may also have overflowed, of finite rows.
		if !loops.Finite(cx.norms) || !loops.Finite(cy.norms) {
			spoil(s, out, x, y)
		}
		x, y, out = nil, nil, nil
	}
}
