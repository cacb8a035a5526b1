package cuda_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
)

func random(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = r.Float32()*2 - 1
	}
	return out
}

// product is op(A)·op(B) of row-major matrices by the plain loop, in float64.
func product(a, b []float32, m, n, k, lda, ldb int, ta, tb bool) []float64 {
	out := make([]float64, m*n)
	for i := range m {
		for j := range n {
			for l := range k {
				x, y := i*lda+l, l*ldb+j
				if ta {
					x = l*lda + i
				}
				if tb {
					y = j*ldb + l
				}
				out[i*n+j] += float64(a[x]) * float64(b[y])
			}
		}
	}
	return out
}

func TestRowMajorProductsAgreeWithThePlainLoop(t *testing.T) {
	c, s, _ := device(t)
	productsAgree(t, c, s)
}

// productsAgree compares products of random shapes with the plain loop.
func productsAgree(t *testing.T, c *cuda.Context, s *cuda.Stream) {
	t.Helper()
	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	defer blas.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		m, n, k, batch := 1+r.IntN(9), 1+r.IntN(9), 1+r.IntN(9), 1+r.IntN(3)
		ta, tb := r.IntN(2) == 1, r.IntN(2) == 1
		ra, ca, rb, cb := m, k, k, n
		if ta {
			ra, ca = ca, ra
		}
		if tb {
			rb, cb = cb, rb
		}
		lda, ldb, ldc := ca+r.IntN(3), cb+r.IntN(3), n+r.IntN(3)
		sa, sb, sc := ra*lda+r.IntN(5), rb*ldb+r.IntN(5), m*ldc+r.IntN(5)
		if r.IntN(3) == 0 {
			sa = 0 // one A for all of the batch
		}
		alpha, beta := r.Float32(), float32(r.IntN(2))*r.Float32()
		a, b, before := random(r, ra*lda+(batch-1)*sa), random(r, rb*ldb+(batch-1)*sb), random(r, m*ldc+(batch-1)*sc)
		da, db, dc := alloc(t, c, s, a), alloc(t, c, s, b), alloc(t, c, s, before)
		g := cuda.Gemm{TransA: ta, TransB: tb, M: m, N: n, K: k, Alpha: alpha, Beta: beta, A: da, B: db, C: dc,
			LDA: lda, LDB: ldb, LDC: ldc, StrideA: sa, StrideB: sb, StrideC: sc, Batch: batch}.RowMajor()
		call := blas.SgemmBatched
		if batch == 1 {
			call = []func(*cuda.Gemm) error{blas.Sgemm, blas.GemmEx, blas.SgemmBatched}[r.IntN(3)]
		}
		require.NoError(t, call(&g))
		got := download[float32](t, s, dc)
		for x := range batch {
			want := product(a[x*sa:], b[x*sb:], m, n, k, lda, ldb, ta, tb)
			for i := range m {
				for j := range n {
					at := x*sc + i*ldc + j
					require.InDelta(t, float64(alpha)*want[i*n+j]+float64(beta)*float64(before[at]), got[at], 1e-5)
				}
			}
		}
	}
}

// Distinct values in every place, so that two exchanged arguments show themselves.
func TestCallsOfBLASHaveTheirArgumentsInOrder(t *testing.T) {
	c, s, f := device(t)
	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	defer blas.Close()
	assert.Equal(t, "12.4.5", blas.Version())
	assert.Contains(t, blas.Path(), "libcublas.so.12")
	zeros := make([]float32, 1000)
	a, b, o := alloc(t, c, s, zeros), alloc(t, c, s, zeros), alloc(t, c, s, zeros)
	g := &cuda.Gemm{TransB: true, M: 3, N: 4, K: 5, Alpha: 0.5, Beta: 0.25, A: a, B: b, C: o, LDA: 6, LDB: 7, LDC: 8,
		StrideA: 50, StrideB: 60, StrideC: 70, Batch: 2}
	require.NoError(t, blas.Sgemm(g))
	require.NoError(t, blas.SgemmBatched(g))
	require.NoError(t, blas.GemmEx(g))
	require.NoError(t, blas.SetTF32(true))
	require.NoError(t, blas.GemmEx(g))
	require.NoError(t, blas.SetTF32(false))
	pa, pb, po := a.Address(), b.Address(), o.Address()
	assert.Equal(t, []string{fmt.Sprintf("cublasSgemm_v2 0 1 3 4 5 0.5 %#x 6 %#x 7 0.25 %#x 8", pa, pb, po)}, f.Calls("cublasSgemm_v2"))
	assert.Equal(t, []string{fmt.Sprintf("cublasSgemmStridedBatched 0 1 3 4 5 0.5 %#x 6 50 %#x 7 60 0.25 %#x 8 70 2", pa, pb, po)},
		f.Calls("cublasSgemmStridedBatched"))
	assert.Equal(t, []string{
		fmt.Sprintf("cublasGemmEx 0 1 3 4 5 0.5 %#x 0 6 %#x 0 7 0.25 %#x 0 8 68 -1", pa, pb, po),
		fmt.Sprintf("cublasGemmEx 0 1 3 4 5 0.5 %#x 0 6 %#x 0 7 0.25 %#x 0 8 77 -1", pa, pb, po),
	}, f.Calls("cublasGemmEx"))
	assert.Equal(t, []string{"cublasSetMathMode 3", "cublasSetMathMode 0"}, f.Calls("cublasSetMathMode"))

	require.NoError(t, blas.SetWorkspace(a))
	assert.Equal(t, []string{fmt.Sprintf("cublasSetWorkspace_v2 %#x 4000", pa)}, f.Calls("cublasSetWorkspace_v2"))
	other, err := c.NewStream()
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, blas.SetStream(other))
	calls := f.Calls("cublasSetStream_v2")
	require.Len(t, calls, 2)
	assert.NotEqual(t, calls[0], calls[1])
}

func TestTF32Rounds(t *testing.T) {
	c, s, _ := device(t)
	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	defer blas.Close()
	const third = float32(1) / 3
	a, o := alloc(t, c, s, []float32{third}), alloc(t, c, s, []float32{0})
	one := alloc(t, c, s, []float32{1})
	g := &cuda.Gemm{M: 1, N: 1, K: 1, Alpha: 1, A: a, B: one, C: o, LDA: 1, LDB: 1, LDC: 1}
	for _, call := range []func(*cuda.Gemm) error{blas.Sgemm, blas.GemmEx} {
		require.NoError(t, blas.SetTF32(false))
		require.NoError(t, call(g))
		assert.Equal(t, third, download[float32](t, s, o)[0])
		require.NoError(t, blas.SetTF32(true))
		require.NoError(t, call(g))
		got := download[float32](t, s, o)[0]
		assert.NotEqual(t, third, got)
		assert.InDelta(t, third, got, 1.0/1024)
	}
}

func TestProductsBesideTheirBuffersAreErrors(t *testing.T) {
	c, s, f := device(t)
	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	zeros := make([]float32, 12)
	a, b, o := alloc(t, c, s, zeros), alloc(t, c, s, zeros), alloc(t, c, s, zeros)
	good := cuda.Gemm{M: 3, N: 4, K: 2, Alpha: 1, A: a, B: b, C: o, LDA: 3, LDB: 2, LDC: 3, Batch: 1}
	before := len(f.Log())
	for what, change := range map[string]func(*cuda.Gemm){
		"A needs 13 elements":      func(g *cuda.Gemm) { g.LDA = 10 },
		"A of 2×3 with 1":          func(g *cuda.Gemm) { g.TransA = true; g.LDA = 1 },
		"B needs 20 elements":      func(g *cuda.Gemm) { g.LDB = 6 },
		"C needs 15 elements":      func(g *cuda.Gemm) { g.LDC = 4 },
		"product of 0×4×2":         func(g *cuda.Gemm) { g.M = 0 },
		"product of 3×4×-1":        func(g *cuda.Gemm) { g.K = -1 },
		"buffer B is closed":       func(g *cuda.Gemm) { g.B = nil },
		"A of 2147483648×2":        func(g *cuda.Gemm) { g.M, g.LDA, g.LDC = 1<<31, 1<<31, 1<<31 },
		"C of 3×4 with 2147483648": func(g *cuda.Gemm) { g.LDC = 1 << 31 },
		"A of 3×2 with -3":         func(g *cuda.Gemm) { g.LDA = -3 },
	} {
		g := good
		change(&g)
		assert.ErrorContains(t, blas.Sgemm(&g), what)
		assert.ErrorContains(t, blas.GemmEx(&g), what)
	}
	for what, change := range map[string]func(*cuda.Gemm){
		"batch of 0":                     func(g *cuda.Gemm) { g.Batch = 0 },
		"C with 0 elements between":      func(g *cuda.Gemm) { g.Batch = 2 },
		"A with -1 elements between":     func(g *cuda.Gemm) { g.Batch = 2; g.StrideA, g.StrideC = -1, 12 },
		"C needs 24 elements":            func(g *cuda.Gemm) { g.Batch = 2; g.StrideC = 12 },
		"B needs 15 elements":            func(g *cuda.Gemm) { g.Batch = 2; g.StrideC = 12; g.StrideB = 7 },
		"A with 2199023255552 elements ": func(g *cuda.Gemm) { g.Batch = 1 << 30; g.StrideA = 1 << 41 },
	} {
		g := good
		change(&g)
		assert.ErrorContains(t, blas.SgemmBatched(&g), what)
	}
	assert.Len(t, f.Log(), before, "no call")
	require.NoError(t, blas.Close())
	require.NoError(t, blas.Close())
	for _, err := range []error{blas.Sgemm(&good), blas.SgemmBatched(&good), blas.GemmEx(&good), blas.SetStream(s), blas.SetTF32(true), blas.SetWorkspace(a)} {
		assert.ErrorContains(t, err, "closed")
	}
}

func TestErrorsOfBLASHaveNames(t *testing.T) {
	c, s, f := device(t)
	f.Inject("cublasCreate_v2", 1, 1)
	_, err := c.NewBLAS(s)
	var e *cuda.StatusError
	require.ErrorAs(t, err, &e)
	assert.EqualValues(t, 1, e.Code)
	assert.EqualError(t, err, "cuda: cublasCreate_v2: CUBLAS_STATUS_NOT_INITIALIZED (1)")
	f.Inject("cublasSetStream_v2", 1, 13)
	_, err = c.NewBLAS(s)
	assert.ErrorContains(t, err, "CUBLAS_STATUS_EXECUTION_FAILED (13)")
	_, err = c.NewBLAS(nil)
	assert.ErrorContains(t, err, "stream is closed")
	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	defer blas.Close()
	x := alloc(t, c, s, []float32{1})
	f.Inject("cublasSetMathMode", 1, 7)
	assert.ErrorContains(t, blas.SetTF32(true), "CUBLAS_STATUS_INVALID_VALUE (7)")
	require.NoError(t, blas.GemmEx(&cuda.Gemm{M: 1, N: 1, K: 1, A: x, B: x, C: x, LDA: 1, LDB: 1, LDC: 1}))
	assert.True(t, strings.HasSuffix(f.Calls("cublasGemmEx")[0], " 68 -1"), "TF32 stays off where it could not be set")
	part, err := x.Part(1, 3)
	require.NoError(t, err)
	assert.ErrorContains(t, blas.SetWorkspace(part), "CUBLAS_STATUS_INVALID_VALUE", "not aligned")
}
