package loops

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDotFour(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 7))
	withEachInstructionSet(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 7, 8, 100, 128} {
			x := randomSlice[float32](r, n)
			var rows [4][]float32
			var out [4]float32
			for i := range rows {
				rows[i] = randomSlice[float32](r, n+i)
			}
			FetchFour(&rows) // changes nothing
			DotFour(&out, x, &rows)
			for i, row := range rows {
				want := 0.0
				for j, v := range x {
					want += float64(v) * float64(row[j])
				}
				require.InDelta(t, want, out[i], 1e-5*float64(n+1), "%d elements", n)
			}
		}
	})
}
