package loops

// Float is the element type of a kernel.
type Float interface{ float32 | float64 }

// Gemm computes C ← α·op(A)·op(B) + β·C, where op(A) is m×k, op(B) is k×n and C is
// m×n, all row-major; op transposes when transA or transB is set. With transA, A is
// stored k×m with leading dimension lda; with transB, B is stored n×k with leading
// dimension ldb. With β = 0, C is not read, so it may hold NaN.
func Gemm[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	gemm(gemmShape[T]{
		transA: transA, transB: transB, m: m, n: n, k: k,
		alpha: alpha, a: a, lda: lda, b: b, ldb: ldb, beta: beta, c: c, ldc: ldc,
	})
}

// GemmBias computes C ← op(A)·op(B) + bias, cut at zero if relu is set: a linear layer
// in one pass. bias has an entry for each of the n columns, or is nil. Sizes are those of
// Gemm. A row's result does not depend on how many rows there are, in no bit.
func GemmBias[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, bias []T, relu bool, c []T, ldc int) {
	gemm(gemmShape[T]{
		transA: transA, transB: transB, m: m, n: n, k: k,
		alpha: 1, a: a, lda: lda, b: b, ldb: ldb, c: c, ldc: ldc, bias: bias, relu: relu, alike: true,
	})
}

// gemmLoop is the meaning of Gemm.
func gemmLoop[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		scale(beta, row)
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

// scale multiplies by beta; 0 means that the old values, NaN too, are forgotten.
func scale[T Float](beta T, row []T) {
	switch beta {
	case 0:
		clear(row)
	case 1:
	default:
		for j := range row {
			row[j] *= beta
		}
	}
}
