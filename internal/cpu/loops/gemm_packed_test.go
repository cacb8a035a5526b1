package loops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// packedSizes has tiles and bands that are whole and that are not, and sums of one block along k and of several.
var packedSizes = [][3]int{{1, 1, 1}, {5, 3, 2}, {64, 128, 96}, {31, 33, 100}, {7, 130, gemmBlockK + 1}, {130, 17, 2*gemmBlockK + 9}}

func TestPackedGemmIsGemm(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		checkPacked[float32](t)
		checkPacked[float64](t)
	})
}

func checkPacked[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 8))
	var p Packed[T]
	for _, s := range packedSizes {
		m, n, k := s[0], s[1], s[2]
		a, b, c := randomSlice[T](r, m*(k+3)), randomSlice[T](r, k*(n+1)), randomSlice[T](r, m*(n+2))
		for _, beta := range []T{0, 1, 0.5} {
			want, got := append([]T(nil), c...), append([]T(nil), c...)
			Gemm(false, false, m, n, k, -2, a, k+3, b, n+1, beta, want, n+2)
			p.Pack(k, n, b, n+1)
			p.Gemm(m, -2, a, k+3, beta, got, n+2)
			require.Equal(t, want, got, "%v, beta %v", s, beta)

			turned := make([]T, n*(k+2))
			Transpose(turned, k+2, b, n+1, k, n)
			p.PackTransposed(k, n, turned, k+2)
			got = append([]T(nil), c...)
			p.Gemm(m, -2, a, k+3, beta, got, n+2)
			require.Equal(t, want, got, "%v transposed, beta %v", s, beta)
		}
		for first := 0; first < n+UpperBand; first += UpperBand {
			want, got := append([]T(nil), c...), append([]T(nil), c...)
			Gemm(false, false, m, n, k, -2, a, k+3, b, n+1, 0, want, n+2)
			p.GemmFrom(first, m, -2, a, k+3, 0, got, n+2)
			for i := range m {
				copy(want[i*(n+2):][:min(first, n)], c[i*(n+2):])
			}
			require.Equal(t, want, got, "%v from column %d on", s, first)
		}
	}
}

func TestGemmUpperIsGemm(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		checkUpper[float32](t)
		checkUpper[float64](t)
	})
}

func checkUpper[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	for _, n := range []int{2, 31, 32, 33, 97, 300} {
		for _, k := range []int{1, 17, gemmBlockK + 5} {
			x := randomSlice[T](r, n*(k+1))
			want, got := make([]T, n*n), make([]T, n*n)
			for i := range got {
				got[i] = T(math.NaN())
			}
			Gemm(false, true, n, n, k, 1, x, k+1, x, k+1, 0, want, n)
			GemmUpper(n, k, x, k+1, got, n)
			skipped := 0
			for i := range n {
				from := UpperFrom(i)
				require.LessOrEqual(t, from, i)
				require.Equal(t, want[i*n+from:(i+1)*n], got[i*n+from:(i+1)*n], "row %d of %d, k %d", i, n, k)
				for j, v := range got[i*n : i*n+from] {
					if v != v {
						skipped++
						continue
					}
					require.Equal(t, want[i*n+j], v, "row %d of %d, k %d", i, n, k)
				}
			}
			if n > 2*UpperBand {
				require.Greater(t, skipped, n*(n-2*UpperBand)/4, "half of %d rows is not computed", n)
			}
		}
	}
}

// The halves must be equal where they are both computed, since the one is then copied for the other.
func TestGemmUpperIsSymmetric(t *testing.T) {
	const n, k = 96, 40
	x := randomSlice[float32](rand.New(rand.NewPCG(7, 1)), n*k)
	c := make([]float32, n*n)
	Gemm(false, true, n, n, k, 1, x, k, x, k, 0, c, n)
	for i := range n {
		for j := range i {
			require.Equal(t, c[i*n+j], c[j*n+i], fmt.Sprint(i, j))
		}
	}
}
