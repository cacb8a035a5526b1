package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// Rows of a mask of labels are those that its pairs make one by one, where few pairs are positive and are listed, and
// where they are many.
func TestMasksOfFewPositives(t *testing.T) {
	const n = 64
	rng := rand.New(rand.NewPCG(2, 6))
	for name, c := range map[string]struct {
		label func(i int) float32
		few   bool
		cut   bool // rows of negatives are
	}{
		"class after class": {func(i int) float32 { return float32(i / 4) }, true, true},
		"of many sizes":     {func(i int) float32 { return float32(i*2/5 + i/60) }, true, true},
		"in any order":      {func(i int) float32 { return float32(i * 5 % 16) }, true, false},
		"all different":     {func(i int) float32 { return float32(-i) }, true, false},
		"NaN":               {func(i int) float32 { return float32(math.NaN()) }, true, false},
		"two classes":       {func(i int) float32 { return float32(i % 2) }, false, false},
		"one large class":   {func(i int) float32 { return float32(max(0, i-8)) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			labels := make([]float32, n)
			for i := range labels {
				labels[i] = c.label(i)
			}
			d, above, most := normals(rng, n*n), make([]float32, n), make([]float32, n)
			for i := range most {
				most[i] = 0.5
			}
			for _, pairs := range []spec.Pairs{spec.Positive, spec.Negative} {
				for _, filters := range [][]spec.Filter{nil, {{Kind: spec.Within}}} {
					m := newMaskRows[float32](spec.Mask{Pairs: pairs, Filters: filters}, n, n)
					m.begin([][]float32{labels, d, above, most}[:1+3*len(filters)])
					require.Equal(t, c.few, m.classes.few)
					require.Equal(t, c.cut && pairs == spec.Negative, len(m.around) > 0)
					for r := range n {
						want := make([]float32, n)
						for j := range want {
							want[j] = indicator[float32](m.has(r, j) && (j != r || labels[r] != labels[r] && pairs == spec.Negative))
						}
						require.Equal(t, want, m.row(r, make([]float32, n)), "%s of row %d", pairs, r)
					}
				}
			}
		})
	}
}

// Positives alone are reduced and summed where they are few.
func TestFewPositivesAreGathered(t *testing.T) {
	const n = 64
	row := make([]float32, n)
	scratch := make([]float32, n)
	m := spec.Mask{Pairs: spec.Positive}
	rows, positives := newMaskRows[float32](m, n, n), positivesOf[float32](m, n)
	labels := make([]float32, n)
	for size, few := range map[int]bool{4: true, 16: false} {
		for i := range labels {
			labels[i] = float32(i / size)
		}
		rows.begin([][]float32{labels})
		positives.list(labels)
		x, mask := chosenOf(&rows, positives, row, 5, scratch)
		want := n
		if few {
			want = size - 1
		}
		require.Len(t, x, want)
		require.Len(t, mask, want)
	}
	require.Nil(t, positivesOf[float32](spec.Mask{Pairs: spec.Negative}, n))
	require.Nil(t, positivesOf[float32](spec.Mask{Pairs: spec.Positive, Cross: true}, n))
	require.Nil(t, positivesOf[float32](spec.Mask{Pairs: spec.Positive, Filters: []spec.Filter{{Kind: spec.Within}}}, n))
}
