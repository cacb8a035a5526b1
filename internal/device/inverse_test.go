package device

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device/cpu"
)

// A times its inverse is I, of sizes that are whole blocks and that are not, on any number of workers to the last bit.
func TestSymmetricInverse(t *testing.T) {
	t.Run("float32", func(t *testing.T) { checkInverse[float32](t, 2e-5) })
	t.Run("float64", func(t *testing.T) { checkInverse[float64](t, 1e-13) })
}

// checkInverse takes a matrix whose eigenvalues are from 0.1 on: twice the rounding of a product of so many numbers,
// times the condition, is what may be lost.
func checkInverse[T cpu.Float](t *testing.T, tolerance float64) {
	defer cpu.SetThreads(0)
	for _, n := range []int{1, 2, 63, 64, 65, 200} {
		rng := rand.New(rand.NewPCG(uint64(n), 3))
		root, a := make([]T, n*n), make([]T, n*n)
		for i := range root {
			root[i] = T(rng.NormFloat64() / math.Sqrt(float64(n)))
		}
		cpu.Gemm(false, true, n, n, n, 1, root, n, root, n, 0, a, n)
		for i := range n {
			a[i*n+i] += 0.1
		}
		var first []T
		for _, workers := range []int{1, 3} {
			cpu.SetThreads(workers)
			got, one := make([]T, n*n), make([]T, n*n)
			symmetricInverse[T](n)(got, [][]T{a})
			if first == nil {
				first = got
			}
			require.Equal(t, first, got)
			cpu.Gemm(false, false, n, n, n, 1, a, n, got, n, 0, one, n)
			for i := range n {
				for j := range n {
					want := 0.0
					if i == j {
						want = 1
					}
					require.InDelta(t, want, one[i*n+j], tolerance, "%d: %d, %d", n, i, j)
					require.Equal(t, got[i*n+j], got[j*n+i])
				}
			}
		}
	}
}

// What has no such inverse gives NaN, not numbers.
func TestSymmetricInverseOfOthers(t *testing.T) {
	for name, diagonal := range map[string]float32{"not definite": -1, "singular": 0, "NaN": float32(math.NaN()), "infinite": float32(math.Inf(1))} {
		for _, at := range []int{0, 70} {
			const n = 71
			a, got := make([]float32, n*n), make([]float32, n*n)
			for i := range n {
				a[i*n+i] = 2
			}
			a[at*n+at] = diagonal
			symmetricInverse[float32](n)(got, [][]float32{a})
			for _, v := range got {
				require.True(t, v != v, name)
			}
		}
	}
}
