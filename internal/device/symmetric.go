package device

import "medusa/internal/device/cpu"

// A symmetric matrix (N, N) is computed from about its diagonal on (cpu.GemmUpper); what stands left of that is then
// copied.

// symmetric is the first column of row i that is computed.
func symmetric(n, i int) int {
	if n < 2*mirrorRows {
		return 0
	}
	return cpu.UpperFrom(i)
}

// mirrorRows is how many rows are copied at once, a multiple of the rows that begin at one column.
const mirrorRows = 2 * cpu.UpperBand

// symmetricProduct makes x·xᵀ, x (n, d), and matrices that are made of it entry by entry.
type symmetricProduct[T cpu.Float] struct {
	n, d int
	out  []T
	body func(lo, hi int)
}

func newSymmetricProduct[T cpu.Float](n, d int) *symmetricProduct[T] {
	p := &symmetricProduct[T]{n: n, d: d}
	p.body = func(lo, hi int) {
		for from := 0; from < lo; from += mirrorRows {
			p.copy(lo, hi, from, from+mirrorRows)
		}
		for second := lo + cpu.UpperBand; second < hi; second += cpu.UpperBand {
			p.copy(second, hi, lo, second)
		}
	}
	return p
}

// copy copies the rows from left to right, columns from lo to hi, to the rows from lo to hi.
func (p *symmetricProduct[T]) copy(lo, hi, left, right int) {
	cpu.Transpose(p.out[lo*p.n+left:], p.n, p.out[left*p.n+lo:], p.n, right-left, hi-lo)
}

// upper computes what is not a copy.
func (p *symmetricProduct[T]) upper(out, x []T) {
	if p.n < 2*mirrorRows {
		cpu.Gemm(false, true, p.n, p.n, p.d, 1, x, p.d, x, p.d, 0, out, p.n)
		return
	}
	cpu.GemmUpper(p.n, p.d, x, p.d, out, p.n)
}

// mirror copies what stands right of the diagonal to the left of it.
func (p *symmetricProduct[T]) mirror(out []T) {
	if p.n < 2*mirrorRows {
		return
	}
	p.out = out
	cpu.Parallel(p.n, mirrorRows, p.body)
	p.out = nil
}

// selfProducts is the kernel of Distance for Dot with Self.
func selfProducts[T cpu.Float](s Distance) func(out []T, in [][]T) {
	p := newSymmetricProduct[T](s.N, s.D)
	return func(out []T, in [][]T) {
		p.upper(out, in[0])
		p.mirror(out)
		for i := range s.N {
			if !finite(out[i*s.N+i]) { // a row's own product, the largest
				infiniteToNaN(out)
				break
			}
		}
	}
}

// crossProducts is the kernel of Distance for Dot of two matrices.
func crossProducts[T cpu.Float](s Distance) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		cpu.Gemm(false, true, s.N, s.M, s.D, 1, in[0], s.D, in[1], s.D, 0, out, s.M)
		if !cpu.Finite(out) {
			infiniteToNaN(out)
		}
	}
}

// infiniteToNaN is for products: of what overflowed on the way, or of rows that are not
// finite, not even the sign of ∞ is right.
func infiniteToNaN[T cpu.Float](x []T) {
	for i, v := range x {
		if !finite(v) {
			x[i] = v - v
		}
	}
}
