package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNonZero(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 5))
		for n := range 90 {
			for _, share := range []float64{0, 0.1, 0.7, 1} {
				x := mask01(r, n, share)
				var want []int32
				for i, v := range x {
					switch {
					case v == 0 && r.IntN(2) == 0:
						x[i] = float32(math.Copysign(0, -1))
					case v != 0:
						x[i] = corners[r.IntN(len(corners))]
						if x[i] != 0 {
							want = append(want, int32(i))
						}
					}
				}
				for _, most := range []int{0, len(want) - 1, len(want), len(want) + 1} {
					if most < 0 {
						continue
					}
					where := make([]int32, most+8)
					count, few := NonZero(where, x, most)
					require.Equal(t, len(want) <= most, few, "%d of %d", len(want), most)
					if few {
						require.Equal(t, want, append([]int32(nil), where[:count]...))
					}
				}
			}
		}
	})
}
