package device

import "medusa/internal/device/cpu"

// A symmetric matrix (N, N) is computed in bands of symmetricBand rows, each from its first
// row's diagonal on; what stands left of that is then copied.
const symmetricBand = 128

// symmetric is the first column of row i that is computed.
func symmetric(n, i int) int {
	if n < 2*symmetricBand {
		return 0
	}
	return i / symmetricBand * symmetricBand
}

// symmetricProduct makes x·xᵀ, x (n, d), and matrices that are made of it entry by entry.
type symmetricProduct[T cpu.Float] struct {
	n, d int
	out  []T
	body func(lo, hi int)
}

func newSymmetricProduct[T cpu.Float](n, d int) *symmetricProduct[T] {
	p := &symmetricProduct[T]{n: n, d: d}
	p.body = func(lo, hi int) {
		for from := 0; from < symmetric(n, lo); from += symmetricBand {
			cpu.Transpose(p.out[lo*n+from:], n, p.out[from*n+lo:], n, symmetricBand, hi-lo)
		}
	}
	return p
}

// upper computes what is not a copy.
func (p *symmetricProduct[T]) upper(out, x []T) {
	n, d, band := p.n, p.d, symmetricBand
	if n < 2*symmetricBand {
		band = n
	}
	for i := 0; i < n; i += band {
		cpu.Gemm(false, true, min(band, n-i), n-i, d, 1, x[i*d:], d, x[i*d:], d, 0, out[i*n+i:], n)
	}
}

// mirror copies what stands right of the bands' diagonal to the left of it.
func (p *symmetricProduct[T]) mirror(out []T) {
	if p.n < 2*symmetricBand {
		return
	}
	p.out = out
	cpu.Parallel(p.n, symmetricBand/2, p.body)
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
