package samplers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUniformShowsEveryPictureInAnEpoch(t *testing.T) {
	for _, tc := range []struct{ n, batch int }{{10, 10}, {10, 3}, {17, 16}, {1, 1}, {100, 7}} {
		s, err := New(labelsOf(3, tc.n), Config{Name: "uniform", Batch: tc.batch})
		require.NoError(t, err)
		batch := make([]int, s.Batch())
		for range 3 {
			shown := map[int]int{}
			for range s.BatchesPerEpoch() {
				require.NoError(t, s.Next(batch))
				distinct := map[int]bool{}
				for _, i := range batch {
					shown[i]++
					distinct[i] = true
				}
				require.Len(t, distinct, tc.batch, "%v: a batch holds distinct pictures", tc)
			}
			require.Len(t, shown, tc.n, "%v", tc)
			least, most := bounds(shown)
			require.LessOrEqual(t, most-least, 1, "%v", tc)
		}
	}
}

func TestUniformDefaultsAndErrors(t *testing.T) {
	s, err := New(labelsOf(1, 70), Config{Name: "uniform"})
	require.NoError(t, err)
	require.Equal(t, 64, s.Batch())
	require.EqualError(t, s.Next(nil), "samplers: uniform: Next got room for 0 indices, a batch has 64")
}
