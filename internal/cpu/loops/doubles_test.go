package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The vectors of float64 add in the order of the plain loop.
func TestSumsInFloat64(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 70 {
		a, b := make([]float32, n), make([]float32, n+3)
		for i := range a {
			a[i] = float32(math.Ldexp(rng.NormFloat64(), rng.IntN(40)-20))
		}
		for i := range b {
			b[i] = float32(math.Ldexp(rng.NormFloat64(), rng.IntN(40)-20))
		}
		var squares, products [4]float64
		for i, v := range a {
			lane := i % 4
			if i >= n&^3 {
				lane = 0
			}
			d := float64(v) - float64(b[i])
			squares[lane] += float64(d * d)
			products[lane] += float64(v) * float64(b[i])
		}
		require.Equal(t, (squares[0]+squares[1])+(squares[2]+squares[3]), SquaresApart(a, b), "%d", n)
		require.Equal(t, (products[0]+products[1])+(products[2]+products[3]), Products64(a, b), "%d", n)
	}
}

func TestSumsInFloat64AreVectors(t *testing.T) {
	if active.name == "generic" {
		t.Skip("no vectors")
	}
	require.NotNil(t, active.simd.squaresApart)
	require.NotNil(t, active.simd.products)
}
