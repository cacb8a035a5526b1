package samplers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The triplets are of two classes, the positive is not the anchor, and every epoch shows each once.
func TestFixedTriplets(t *testing.T) {
	labels := labelsOf(3, 5, 1, 2, 9)
	s, err := NewFixedTriplets(labels, 30, 5, 7)
	require.NoError(t, err)
	require.Equal(t, 15, s.Batch())
	require.Equal(t, 6, s.BatchesPerEpoch())
	var first map[[3]int]int
	for range 4 {
		of := map[[3]int]int{}
		rows := run(t, s, 6)
		for i := 0; i < len(rows); i += 3 {
			a, p, n := rows[i], rows[i+1], rows[i+2]
			require.NotEqual(t, a, p)
			require.Equal(t, labels[a], labels[p])
			require.NotEqual(t, labels[a], labels[n])
			of[[3]int{a, p, n}]++
		}
		if first == nil {
			first = of
		}
		require.Equal(t, first, of, "the set is fixed")
	}
	other, err := NewFixedTriplets(labels, 30, 5, 8)
	require.NoError(t, err)
	require.NotEqual(t, run(t, s, 6), run(t, other, 6))
}

// Anchors' classes, and those of negatives, come up alike: of 5000 triplets each of the four classes
// with two pictures has 1250 as anchors, with a standard deviation of 31.
func TestFixedTripletsAreSpread(t *testing.T) {
	labels := labelsOf(3, 50, 2, 2, 9, 1)
	s, err := NewFixedTriplets(labels, 5000, 1, 1)
	require.NoError(t, err)
	anchors := map[int]int{}
	for _, tr := range s.set {
		anchors[labels[tr[0]]]++
	}
	require.Len(t, anchors, 4)
	for label, n := range anchors {
		require.InDelta(t, 1250, n, 160, "class %d", label)
	}
}

func TestFixedTripletsGoOn(t *testing.T) {
	labels := labelsOf(3, 5, 1, 2, 9)
	for broken := range 15 {
		whole, err := NewFixedTriplets(labels, 23, 4, uint64(broken))
		require.NoError(t, err)
		run(t, whole, broken)
		state, err := whole.State()
		require.NoError(t, err)
		on, err := NewFixedTriplets(labels, 23, 4, 99)
		require.NoError(t, err)
		run(t, on, 2)
		require.NoError(t, on.Restore(state))
		require.Equal(t, run(t, whole, 13), run(t, on, 13))

		before, err := on.State()
		require.NoError(t, err)
		damaged := append([]byte{}, before...)
		damaged[len(damaged)-1] = 0x7f // the last triplet's negative
		require.ErrorContains(t, on.Restore(damaged), "the state is damaged: picture")
		require.ErrorContains(t, on.Restore(before[:len(before)-1]), "cut short")
		after, err := on.State()
		require.NoError(t, err)
		require.Equal(t, before, after)
		other, err := NewFixedTriplets(labels, 24, 4, 1)
		require.NoError(t, err)
		require.ErrorContains(t, other.Restore(before), "over other labels")
	}
}

func TestFixedTripletsRefuse(t *testing.T) {
	for want, c := range map[string]struct {
		labels             []int
		triplets, perBatch int
	}{
		"3 triplets, 4 in a batch":                {labelsOf(1, 3, 3), 3, 4},
		"0 triplets, 0 in a batch":                {labelsOf(1, 3, 3), 0, 0},
		"1 classes, 1 of them with two pictures":  {labelsOf(1, 3), 3, 1},
		"3 classes, 0 of them with two pictures":  {labelsOf(1, 1, 1, 1), 3, 1},
		"0 classes, 0 of them with two pictures ": {nil, 3, 1},
	} {
		_, err := NewFixedTriplets(c.labels, c.triplets, c.perBatch, 0)
		require.ErrorContains(t, err, want)
	}
}
