package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// SymmetricInverse computes the inverse (N, N) of a symmetric positive definite matrix (N, N), NaN if it is not. It has a
// second input, an inverse that was made of products: where products are what a device is good at, the result is
// that; the CPU need not make it (see graph.OnHost).
type SymmetricInverse struct{ N int }

func (s SymmetricInverse) cpu() Kernel {
	return host(symmetricInverse[float32](s.N), symmetricInverse[float64](s.N))
}

const (
	inverseBlock = 64  // rows and columns that are eliminated at once
	inverseBand  = 128 // rows that are updated at once, from their diagonal on
)

// inversion is Gauss-Jordan elimination by blocks of rows and columns, without a choice of pivots, which a positive
// definite matrix does not need. Of a block K with the pivot A_KK it makes
//
//	A_KK ← −A_KK⁻¹,   A_Kj ← A_KK⁻¹·A_Kj,   A_ij ← A_ij − A_iK·A_KK⁻¹·A_Kj
//
// and after all blocks A is −A⁻¹. It stays symmetric, so that the half right of the diagonal is enough: a third of
// the products of two matrices.
//
// "The sweep operator", J. H. Goodnight, "A Tutorial on the SWEEP Operator", The American Statistician 33, 1979.
type inversion[T cpu.Float] struct {
	n             int
	a             []T
	rows, swept   []T // A_K: and A_KK⁻¹·A_K:
	pivot, column []T
}

func symmetricInverse[T cpu.Float](n int) func(out []T, in [][]T) {
	block := min(inverseBlock, n)
	t := &inversion[T]{n: n, rows: make([]T, block*n), swept: make([]T, block*n), pivot: make([]T, block*block), column: make([]T, block)}
	return func(out []T, in [][]T) {
		copy(out, in[0])
		t.a = out
		t.run()
		t.a = nil
	}
}

func (t *inversion[T]) run() {
	for k := 0; k < t.n; k += inverseBlock {
		if !t.eliminate(k, min(inverseBlock, t.n-k)) {
			for i := range t.a {
				t.a[i] = T(math.NaN())
			}
			return
		}
	}
	cpu.Affine(t.a, t.a, -1, 0)
	for k := 0; k < t.n; k += inverseBlock {
		w := min(inverseBlock, t.n-k)
		cpu.Transpose(t.a[k*t.n:], t.n, t.a[k:], t.n, k, w)
		for i := k; i < k+w; i++ {
			for j := k; j < i; j++ {
				t.a[i*t.n+j] = t.a[j*t.n+i]
			}
		}
	}
}

// eliminate does the block of w rows from k on, and reports whether its pivots are positive.
func (t *inversion[T]) eliminate(k, w int) bool {
	n, a := t.n, t.a
	pivot := t.pivot[:w*w]
	for i := range w { // A_K:, of which what is left of the diagonal stands above it
		row := t.rows[i*n : (i+1)*n]
		copy(row[k+i:], a[(k+i)*n+k+i:(k+i+1)*n])
		for j := range i {
			row[k+j] = t.rows[j*n+k+i]
		}
		copy(pivot[i*w:(i+1)*w], row[k:k+w])
	}
	cpu.Transpose(t.rows, n, a[k:], n, k, w)
	if !t.invert(pivot, w) {
		return false
	}
	cpu.Gemm(false, false, w, n, w, 1, pivot, w, t.rows, n, 0, t.swept, n)
	for i := 0; i < n; i += inverseBand {
		cpu.Gemm(true, false, min(inverseBand, n-i), n-i, w, -1, t.rows[i:], n, t.swept[i:], n, 1, a[i*n+i:], n)
	}
	cpu.Transpose(a[k:], n, t.swept, n, w, k)
	for i := range w {
		row := a[(k+i)*n:]
		copy(row[k+w:n], t.swept[i*n+k+w:(i+1)*n])
		cpu.Affine(row[k:k+w], pivot[i*w:(i+1)*w], -1, 0)
	}
	return true
}

// invert replaces a symmetric matrix (w, w) by its inverse, and reports whether all pivots are positive.
func (t *inversion[T]) invert(p []T, w int) bool {
	column := t.column[:w]
	for k := range w {
		pivot := p[k*w+k]
		if !(pivot > 0) || math.IsInf(float64(pivot), 0) {
			return false
		}
		for i := range w {
			column[i] = p[i*w+k]
			p[i*w+k] = 0
		}
		own := p[k*w : (k+1)*w]
		own[k] = 1
		cpu.Affine(own, own, 1/pivot, 0)
		for i, v := range column {
			if i != k {
				cpu.Axpy(p[i*w:(i+1)*w], -v, own)
			}
		}
	}
	return true
}
