package machine

import (
	"math/rand/v2"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// Slots that are in use at one step have memory of their own, of their size; the whole takes no less than what is in use
// at the fullest step, and of drawn slots, a tenth of which is never given back, not twice as much.
func TestSlotsDoNotOverlap(t *testing.T) {
	taken, least := int64(0), int64(0)
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		a := &arena{make: hostMemory(tensor.Float32), size: 4}
		const steps = 60
		live := make([]int, steps)
		for step := range steps {
			for range rng.IntN(4) {
				s := a.take(16<<rng.IntN(4), step) // as layers have few sizes
				if rng.IntN(10) > 0 {
					s.giveBack(min(step+rng.IntN(8), steps-1))
				}
				for i := step; i < min(s.to+1, steps); i++ {
					live[i] += s.n
				}
			}
		}
		require.NoError(t, a.place())
		for i, s := range a.slots {
			require.Len(t, s.at.F32, s.n)
			for _, o := range a.slots[:i] {
				if s.from <= o.to && o.from <= s.to {
					require.NotSame(t, &s.at.F32[0], &o.at.F32[0], "seed %d", seed)
				}
			}
		}
		fullest := 0
		for _, n := range live {
			fullest = max(fullest, n)
		}
		require.GreaterOrEqual(t, a.bytes, int64(4*fullest), "seed %d", seed)
		taken, least = taken+a.bytes, least+int64(4*fullest)
	}
	t.Logf("%d bytes where %d are in use at once", taken, least)
	require.Less(t, float64(taken), 2*float64(least))
}

// Slots that follow each other have one memory.
func TestSlotsFollowEachOther(t *testing.T) {
	a := &arena{make: hostMemory(tensor.Float64), size: 8}
	first, between, last := a.take(3, 0), a.take(5, 1), a.take(4, 2)
	first.giveBack(1)
	require.NoError(t, a.place())
	require.Same(t, &first.at.F64[0], &last.at.F64[0])
	require.NotSame(t, &first.at.F64[0], &between.at.F64[0])
	require.Equal(t, int64(8*(5+4)), a.bytes)

	none := &arena{size: 4, make: func(int) (device.Memory, error) { return device.Memory{}, errors.New("none is left") }}
	none.take(1, 0)
	require.ErrorContains(t, none.place(), "none is left")
}
