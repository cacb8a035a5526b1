package loops

import "unsafe"

// Packed is a matrix B (K, N) in the order in which products read it, for several products with it:
// Gemm would bring it into that order each time, or read it where it stands.
type Packed[T Float] struct {
	k, n  int
	width int // of a panel
	buf   []T // the panels of the first block along k, of the second, ...
}

// Pack takes B (k, n), whose rows stand ldb apart. It allocates where B is larger than any before.
func (p *Packed[T]) Pack(k, n int, b []T, ldb int) {
	mustHold("Pack", "B", b, extent(k, n, ldb))
	p.pack(k, n, b, ldb, false)
}

// PackTransposed takes B (k, n) of its transpose (n, k), whose rows stand ldb apart.
func (p *Packed[T]) PackTransposed(k, n int, b []T, ldb int) {
	mustHold("Pack", "B", b, extent(n, k, ldb))
	p.pack(k, n, b, ldb, true)
}

func (p *Packed[T]) pack(k, n int, b []T, ldb int, transposed bool) {
	p.k, p.n, p.width = k, n, kernels[T]().cols()
	panels := ceil(n, p.width)
	p.buf = grow(p.buf, panels*p.width*k)
	for i := range gemmBlocks(k) {
		k0, kc := gemmBlock(k, i)
		for panel := range panels {
			packPanel(p.buf[p.block(k0):], p.width, p.width, panel, b, ldb, n, k0, kc, transposed)
		}
	}
}

// block is where the block along k from k0 on begins.
func (p *Packed[T]) block(k0 int) int { return ceil(p.n, p.width) * p.width * k0 }

// Gemm computes C ← α·A·B + β·C, where A is m×K and C m×N: the numbers of Gemm, to the last bit.
func (p *Packed[T]) Gemm(m int, alpha T, a []T, lda int, beta T, c []T, ldc int) {
	p.GemmFrom(0, m, alpha, a, lda, beta, c, ldc)
}

// GemmFrom is Gemm without the columns before first, a multiple of UpperBand; β is 0 or 1.
func (p *Packed[T]) GemmFrom(first, m int, alpha T, a []T, lda int, beta T, c []T, ldc int) {
	if m <= 0 || p.n <= 0 {
		return
	}
	p.mustFit(m, a, lda, c, ldc)
	runGemm(gemmShape[T]{m: m, n: p.n, k: p.k, alpha: alpha, a: a, lda: lda, beta: beta, c: c, ldc: ldc, packed: p, first: first})
}

// mustFit panics on slices too short, and on another instruction set than that of the packing.
func (p *Packed[T]) mustFit(m int, a []T, lda int, c []T, ldc int) {
	mustHold("Gemm", "A", a, extent(m, p.k, lda))
	mustHold("Gemm", "C", c, extent(m, p.n, ldc))
	if p.width != kernels[T]().cols() {
		panic("loops: a matrix that was packed for another instruction set") // a programmer's mistake
	}
}

// GemmUpper computes of C = X·Xᵀ, X n×k and C n×n, at least the columns from UpperFrom(i) on of each row i, about
// half of it; what it writes of others is right, too. The numbers are those of Gemm.
func GemmUpper[T Float](n, k int, x []T, ldx int, c []T, ldc int) {
	gemm(gemmShape[T]{transB: true, m: n, n: n, k: k, alpha: 1, a: x, lda: ldx, b: x, ldb: ldx, c: c, ldc: ldc, upper: true})
}

// UpperBand is a multiple of the width of every micro-kernel's tile: rows of X in one band begin at one column.
const UpperBand = 32

// UpperFrom is the first column of row i that GemmUpper is sure to compute.
func UpperFrom(i int) int { return i / UpperBand * UpperBand }

// gemmBlocks is into how many blocks k is cut.
func gemmBlocks(k int) int { return max(1, ceil(k, gemmBlockK)) }

// gemmBlock is where the i-th block along k begins, and its length.
func gemmBlock(k, i int) (k0, kc int) {
	blocks := gemmBlocks(k)
	k0 = k * i / blocks
	return k0, k*(i+1)/blocks - k0
}

// columns is the packed panel of the columns from q on.
func (p *Packed[T]) columns(k0, kc, q int) unsafe.Pointer {
	return unsafe.Pointer(&p.buf[p.block(k0)+q*kc])
}
