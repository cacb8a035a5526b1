package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device"
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

// A kernel that read rows of negatives class after class, which are cut of memory that all rows have in common, gives for
// labels in any order what a new kernel gives, and for the first labels what it gave.
func TestMasksOfOneOrderAfterAnother(t *testing.T) {
	const n = 48
	rng := rand.New(rand.NewPCG(2, 7))
	pos, neg := spec.Mask{Pairs: spec.Positive}, spec.Mask{Pairs: spec.Negative}
	window := spec.TripletRule{Apart: true, Sides: spec.Sides{AP: 1, AN: -1}}
	for _, c := range []struct {
		what  any
		masks int // how often the labels are an input, behind d
		rest  int // numbers of the input behind them
		size  int
	}{
		{spec.Triplets{N: n, M: n, Margin: 0.3, Above: -1, AtMost: 1, High: math.Inf(1), Pos: pos, Neg: neg, Rule: window}, 2, n * n, n},
		{spec.Triplets{N: n, M: n, Margin: 0.3, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Pos: pos, Neg: neg}, 2, 0, n},
		{spec.RowTerms{Rows: n, Cols: n, Low: 0, High: math.NaN(), Mask: neg, Hinge: true, K: -1, C: 1}, 1, 0, n},
		{spec.RowReduce{Op: spec.RowLogSumExp, Rows: n, Cols: n, K: 2, Mask: neg}, 1, 0, n},
		{spec.RowKth{Rows: n, Cols: n, K: 3, Mask: neg}, 1, 0, n},
		{spec.PairLogSumExp{N: n, M: n, Self: true, Pos: pos, Neg: neg}, 2, 0, n * n},
	} {
		d, rest := normals(rng, n*n), normals(rng, c.rest)
		run := func(kern device.Kernel, label func(i int) int) []device.Memory {
			labels, out := make([]float32, n), outputs(c.what, c.size, numbers32)
			for i := range labels {
				labels[i] = float32(label(i))
			}
			in := []device.Memory{{F32: d}}
			for range c.masks {
				in = append(in, device.Memory{F32: labels})
			}
			if c.rest > 0 {
				in = append(in, device.Memory{F32: rest})
			}
			require.NoError(t, kern.Run(out, in))
			return out
		}
		sorted, other := func(i int) int { return i / 3 }, func(i int) int { return i * 7 % 16 }
		kern, err := Device.Kernel(c.what)
		require.NoError(t, err)
		first := run(kern, sorted)
		fresh, err := Device.Kernel(c.what)
		require.NoError(t, err)
		require.Equal(t, run(fresh, other), run(kern, other), spec.Describe(c.what))
		require.Equal(t, first, run(kern, sorted), spec.Describe(c.what))
	}
}
