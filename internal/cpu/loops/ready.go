package loops

import (
	"sync"
	"sync/atomic"
)

// Ready is what products and convolutions make of weights before they read them: packed or transformed, in the
// instruction set that is in use. Who keeps it beside weights that do not change spares that in every call.
// Each form is made when it is first needed, by one of the goroutines that share it. The zero value is empty. Results
// have the bits that they have without it.
type Ready[T Float] struct {
	matrix      form[Packed[T]]
	transformed form[[]float32]      // windows of winogradConv, few enough to stay in a cache
	windows     form[[]float32]      // of winogradConv, not transformed
	places      form[[]float32]      // of smallPlanesConv
	product     form[readyFilter[T]] // of convProduct
}

// form is made once. It is asked for by load, and where that finds nothing by make: a call of load allocates nothing.
type form[F any] struct {
	mu   sync.Mutex
	made atomic.Pointer[F]
}

func (f *form[F]) load() *F { return f.made.Load() }

func (f *form[F]) make(build func() F) *F {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.made.Load() == nil {
		made := build()
		f.made.Store(&made)
	}
	return f.made.Load()
}

// readyFilter is the packed weights of a convProduct, with the factors that are in them.
type readyFilter[T Float] struct{ scale, packed []T }

// GemmBias is GemmBias of a B (n, k) that is transposed, with r beside it.
func (r *Ready[T]) GemmBias(m, n, k int, a []T, lda int, b []T, ldb int, bias []T, relu bool, c []T, ldc int) {
	if m <= 0 || n <= 0 {
		return
	}
	packed := r.matrix.load()
	if packed == nil {
		packed = r.pack(n, k, b, ldb)
	}
	if packed.n != n || packed.k != k {
		panic("loops: a matrix that is ready for another shape") // a programmer's mistake
	}
	packed.mustFit(m, a, lda, c, ldc)
	if bias != nil {
		mustHold("GemmBias", "bias", bias, n)
	}
	runGemm(gemmShape[T]{m: m, n: n, k: k, alpha: 1, a: a, lda: lda, c: c, ldc: ldc, bias: bias, relu: relu, packed: packed, alike: true})
}

func (r *Ready[T]) pack(n, k int, b []T, ldb int) *Packed[T] {
	return r.matrix.make(func() (p Packed[T]) {
		width := kernels[T]().cols()
		p.buf = lasting[T](ceil(n, width) * width * k)
		p.PackTransposed(k, n, b, ldb)
		return p
	})
}
