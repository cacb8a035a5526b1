package loops

// gemmDots is A·Bᵀ for one row of A: scalar products of rows, with nothing packed. Its sums
// are in another order than the micro-kernels', and so in the last bits a product of one row
// differs from larger ones, which all agree; five rows would still be faster this way. A linear
// layer has none of it: see GemmBias.
type gemmDots[T Float] gemmJob[T]

const (
	dotsRows  = 1  // of A
	dotsGroup = 64 // rows of B in a piece, a multiple of four
)

func (j *gemmJob[T]) isDots() bool {
	return active.simd.dots != nil && !j.alike && isSingle[T]() && !j.transA && j.transB && j.m <= dotsRows && j.k >= 16
}

func (j *gemmDots[T]) Piece(piece, worker int) {
	end := min((piece+1)*dotsGroup, j.n)
	for col := piece * dotsGroup; col < end; col += 4 {
		row := func(i int) *float32 { return single(j.b[min(col+i, end-1)*j.ldb:]) }
		for i := range j.m {
			sums := &j.dots[worker]
			active.simd.dots(&sums[0], single(j.a[i*j.lda:]), row(0), row(1), row(2), row(3), j.k)
			for n, s := range sums[:min(4, end-col)] {
				j.put(i, col+n, T(s))
			}
		}
	}
}

// put ends a sum as a micro-kernel does.
func (j *gemmDots[T]) put(i, col int, sum T) {
	c := &j.c[i*j.ldc+col]
	sum *= j.alpha
	if j.beta != 0 {
		sum += *c
	}
	if j.bias != nil {
		sum += j.bias[col]
	}
	if j.relu {
		sum = max(sum, 0)
	}
	*c = sum
}
