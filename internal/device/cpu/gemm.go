package cpu

// Float is the element type of a kernel.
type Float interface{ float32 | float64 }

// Gemm computes C ← α·op(A)·op(B) + β·C, where op(A) is m×k, op(B) is k×n and C is
// m×n, all row-major; op transposes when transA or transB is set. With transA, A is
// stored k×m with leading dimension lda; with transB, B is stored n×k with leading
// dimension ldb. With β = 0, C is not read, so it may hold NaN.
func Gemm[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	gemmLoop(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// gemmLoop is the meaning of Gemm, and the path of processors without a kernel.
func gemmLoop[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		switch beta {
		case 0:
			clear(row)
		case 1:
		default:
			for j := range row {
				row[j] *= beta
			}
		}
		for p := range k {
			av := alpha
			if transA {
				av *= a[p*lda+i]
			} else {
				av *= a[i*lda+p]
			}
			if transB {
				for j := range row {
					row[j] += av * b[j*ldb+p]
				}
				continue
			}
			for j, bv := range b[p*ldb : p*ldb+n] {
				row[j] += av * bv
			}
		}
	}
}
