package loops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withEachInstructionSet runs a test once for each set that this machine has.
func withEachInstructionSet(t *testing.T, test func(t *testing.T)) {
	old := active
	defer func() { active = old }()
	for i := range instructionSets {
		if s := &instructionSets[i]; s.supported {
			active = s
			t.Run(s.name, test)
		}
	}
}

func eps[T Float]() float64 {
	var one T = 1
	if one+T(1e-10) == one {
		return 1.0 / (1 << 24)
	}
	return 1.0 / (1 << 53)
}

type gemmCase struct {
	transA, transB bool
	m, n, k        int
	alpha, beta    float64
	bias, relu     bool
}

// wide is x in float64, without signs if abs is set.
func wide[T Float](x []T, abs bool) []float64 {
	w := make([]float64, len(x))
	for i, v := range x {
		w[i] = float64(v)
		if abs {
			w[i] = math.Abs(w[i])
		}
	}
	return w
}

// checkGemm compares with the loop in float64. The tolerance is the bound of the rounding
// error of a sum of k products in any order, k·ε·Σ|products|, and a few roundings more
// for α, β and bias.
func checkGemm[T Float](t *testing.T, r *rand.Rand, g gemmCase) {
	t.Helper()
	lda, ldb := g.k+r.IntN(3), g.n+r.IntN(3)
	rowsA, rowsB := g.m, g.k
	if g.transA {
		lda, rowsA = g.m+r.IntN(3), g.k
	}
	if g.transB {
		ldb, rowsB = g.k+r.IntN(3), g.n
	}
	ldc := g.n + r.IntN(3)
	a, b := randomSlice[T](r, rowsA*lda), randomSlice[T](r, rowsB*ldb)
	c := randomSlice[T](r, g.m*ldc)
	var bias []T
	if g.bias {
		bias = randomSlice[T](r, g.n)
	}
	got := append([]T(nil), c...)
	if g.beta == 0 {
		for i := range got {
			got[i] = T(math.NaN())
		}
	}
	for i := range g.m { // what lies between the rows stays
		for j := g.n; j < ldc; j++ {
			got[i*ldc+j] = 7
		}
	}
	gemm(gemmShape[T]{transA: g.transA, transB: g.transB, m: g.m, n: g.n, k: g.k, alpha: T(g.alpha), beta: T(g.beta),
		a: a, b: b, c: got, lda: lda, ldb: ldb, ldc: ldc, bias: bias, relu: g.relu})
	want, size := wide(c, false), wide(c, true)
	gemmLoop(g.transA, g.transB, g.m, g.n, g.k, g.alpha, wide(a, false), lda, wide(b, false), ldb, g.beta, want, ldc)
	gemmLoop(g.transA, g.transB, g.m, g.n, g.k, math.Abs(g.alpha), wide(a, true), lda, wide(b, true), ldb, math.Abs(g.beta), size, ldc)
	for i := range g.m {
		for j := range g.n {
			want, size := want[i*ldc+j], size[i*ldc+j]
			if bias != nil {
				want += float64(bias[j])
				size += math.Abs(float64(bias[j]))
			}
			if g.relu {
				want = max(want, 0)
			}
			require.InDelta(t, want, float64(got[i*ldc+j]), float64(g.k+4)*eps[T]()*size, "%+v at %d, %d", g, i, j)
		}
		for j := g.n; j < ldc; j++ {
			require.EqualValues(t, 7, got[i*ldc+j], "%+v wrote outside of its columns", g)
		}
	}
}

func TestGemmAgreesWithTheSum(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for trial := range 160 {
			size := func(limit int) int { return 1 + r.IntN(1+r.IntN(limit)) }
			g := gemmCase{
				transA: trial&1 > 0, transB: trial&2 > 0, m: size(100), n: size(100), k: size(150) - 1,
				alpha: []float64{1, -0.5, 0}[r.IntN(3)], beta: []float64{0, 1, 2}[r.IntN(3)],
				bias: r.IntN(2) > 0, relu: r.IntN(2) > 0,
			}
			if trial%80 == 0 {
				g.k += 1000
			}
			checkGemm[float32](t, r, g)
			checkGemm[float64](t, r, g)
		}
	})
}

func TestGemmEveryTile(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for m := 1; m <= 14; m++ {
			for n := 1; n <= 35; n++ {
				checkGemm[float32](t, r, gemmCase{m: m, n: n, k: 9, alpha: 1, bias: true})
				checkGemm[float64](t, r, gemmCase{m: m, n: n, k: 9, alpha: 1, beta: 1, relu: true})
			}
		}
	})
}

func FuzzGemm(f *testing.F) {
	f.Add(uint8(3), uint8(5), uint16(7), uint8(0), uint64(1))
	f.Add(uint8(64), uint8(64), uint16(600), uint8(255), uint64(2))
	f.Add(uint8(200), uint8(33), uint16(17), uint8(6), uint64(3))
	f.Fuzz(func(t *testing.T, m, n uint8, k uint16, bits uint8, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		checkGemm[float32](t, r, gemmCase{
			transA: bits&1 > 0, transB: bits&2 > 0, m: int(m) + 1, n: int(n) + 1, k: int(k % 1100),
			alpha: 1 + float64(bits>>2&1), beta: float64(bits >> 3 & 1), bias: bits&16 > 0, relu: bits&32 > 0,
		})
	})
}

func TestGemmSameForEveryNumberOfThreads(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, s := range [][3]int{{64, 512, 784}, {300, 65, 700}, {1, 1000, 900}} {
			a, b := randomSlice[float32](r, s[0]*s[2]), randomSlice[float32](r, s[1]*s[2])
			var first []float32
			for _, n := range []int{1, 2, 3, 7} {
				withThreads(t, n)
				c := make([]float32, s[0]*s[1])
				Gemm(false, true, s[0], s[1], s[2], 1, a, s[2], b, s[2], 0, c, s[1])
				if first == nil {
					first = c
				}
				require.Equal(t, first, c, "%v with %d threads", s, n)
			}
		}
	})
}

// A NaN or an infinity in A or B comes out wherever it takes part, and nowhere else, and
// passes the ReLU.
func TestGemmNotANumber(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		const m, n, k = 13, 37, 20
		nan := float32(math.NaN())
		a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
		for i := range a {
			a[i] = 1
		}
		a[5*k+3] = nan
		GemmBias(false, false, m, n, k, a, k, b, n, nil, true, c, n)
		for i, v := range c {
			assert.Equal(t, i/n == 5, v != v, "element %d", i)
		}
		b[2*n+36] = float32(math.Inf(1))
		a[5*k+3] = 1
		GemmBias(false, false, m, n, k, a, k, b, n, nil, true, c, n)
		for i, v := range c {
			assert.Equal(t, i%n == 36, math.IsInf(float64(v), 1), "element %d", i)
		}
	})
}

// Denormal numbers count in full: nothing flushes them to zero.
func TestGemmDenormals(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		const m, n, k = 5, 17, 8
		a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
		for i := range a {
			a[i] = math.SmallestNonzeroFloat32
		}
		for i := range b {
			b[i] = 3
		}
		Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
		for _, v := range c {
			require.EqualValues(t, float32(24*math.SmallestNonzeroFloat32), v)
		}
	})
}

func TestGemmAllocatesNothing(t *testing.T) {
	withThreads(t, 2)
	r := rand.New(rand.NewPCG(7, 8))
	a, b, c := randomSlice[float32](r, 200*200), randomSlice[float32](r, 200*200), make([]float32, 200*200)
	assert.Zero(t, testing.AllocsPerRun(20, func() {
		Gemm(false, true, 200, 200, 200, 1, a, 200, b, 200, 0, c, 200)
	}))
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		name           string
		transA, transB bool
		m, n, k        int
	}{
		{"512", false, false, 512, 512, 512},
		{"1024", false, false, 1024, 1024, 1024},
		{"2048", false, false, 2048, 2048, 2048},
		{"tall", false, false, 12544, 64, 288},
		{"mlp", false, false, 64, 512, 784},
		{"mlpT", false, true, 64, 512, 784},
		{"mlpGradW", true, false, 784, 512, 64},
		{"mlpGradX", false, true, 64, 784, 512},
		{"embed", false, false, 64, 64, 128},
		{"distances", false, true, 256, 256, 64},
		{"row", false, false, 1, 512, 784},
		{"rowT", false, true, 1, 512, 784},
	} {
		benchGemm[float32](b, s.name, s.transA, s.transB, s.m, s.n, s.k)
	}
	benchGemm[float64](b, "512float64", false, false, 512, 512, 512)
}

func benchGemm[T Float](b *testing.B, name string, transA, transB bool, m, n, k int) {
	r := rand.New(rand.NewPCG(7, 8))
	x, y, z := randomSlice[T](r, m*k), randomSlice[T](r, k*n), make([]T, m*n)
	lda, ldb := k, n
	if transA {
		lda = m
	}
	if transB {
		ldb = k
	}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("%s/threads=%d", name, threads), func(b *testing.B) {
			withThreads(b, threads)
			bench(b, 2*float64(m)*float64(n)*float64(k)/1e9, "GFLOP/s", func() {
				Gemm(transA, transB, m, n, k, 1, x, lda, y, ldb, 0, z, n)
			})
		})
	}
}
