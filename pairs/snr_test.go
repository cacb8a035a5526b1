package pairs_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/pairs"
)

// Of points that are nearly equal float32 gives what float64 gives of the same numbers, as far as they are
// told apart: distances of 10⁻⁸ are not lost, as they would be as a difference of two numbers of about 1.
func TestSNROfNearPointsInFloat32(t *testing.T) {
	const n, e = 6, 16
	for _, apart := range []float64{1, 1e-2, 1e-4} {
		for _, raw := range []bool{true, false} {
			rng := rand.New(rand.NewPCG(4, 9))
			base := graphtest.Random(rng, 1, e).Values
			x := graphtest.Random(rng, n, e)
			for i := range x.Values {
				x.Values[i] = float64(float32(base[i%e] + apart*x.Values[i]))
			}
			of := func(dt tensor.Dtype) (d, gradient []float64) {
				d, grads, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return pairs.SNR{Raw: raw}.Between(in[0], in[0]) }, x)
				require.NoError(t, err)
				return d, grads[0]
			}
			want, wantGradient := of(tensor.Float64)
			got, gradient := of(tensor.Float32)
			// Rows are centred, and divided by their length, before they are subtracted: that rounds numbers of
			// about 1 by 2⁻²⁵, twice, and differences of them by so much over how far they are apart.
			tol := 1e-5 + 4e-7/apart
			largest := 0.0
			for _, v := range wantGradient {
				largest = math.Max(largest, math.Abs(v))
			}
			for i := range want {
				require.InDelta(t, want[i], got[i], tol*want[i], "%g apart, raw %t, pair %d", apart, raw, i)
			}
			for i := range wantGradient {
				require.InDelta(t, wantGradient[i], gradient[i], 4*tol*largest, "%g apart, raw %t, gradient %d", apart, raw, i)
			}
			for i := range n {
				require.Zero(t, got[i*n+i], "a row and itself")
			}
		}
	}
}
