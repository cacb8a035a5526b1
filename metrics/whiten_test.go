package metrics

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// stretched is rows that vary very unlike in different directions, and go together.
func stretched() Set {
	s := clouds(3, 600, 6, 12)
	for i := range s.Len() {
		row := s.Row(i)
		for j := range row {
			row[j] = row[j]*float32(math.Pow(3, float64(j-3))) + 5
		}
		row[1] += 2 * row[5]
	}
	return s
}

// requireCovariance asks that rows vary so: mean is what is taken from each row.
func requireCovariance(t *testing.T, s Set, mean func(i int) []float64, diagonal func(j int, v float64)) {
	t.Helper()
	c := s.covariance(mean)
	for a := range s.Dim {
		for b := range s.Dim {
			if a != b {
				require.InDelta(t, 0, c.At(a, b), 1e-4*math.Sqrt(c.At(a, a)*c.At(b, b)), "numbers %d and %d", a, b)
			}
		}
		diagonal(a, c.At(a, a))
	}
}

func TestWhitening(t *testing.T) {
	s := stretched()
	zero := func(d int) func(int) []float64 { return func(int) []float64 { return make([]float64, d) } }
	w, err := NewWhitening(s, WhitenOptions{Keep: true})
	require.NoError(t, err)
	require.Equal(t, 6, w.Size)
	y, err := w.Apply(s)
	require.NoError(t, err)
	requireCovariance(t, y, zero(6), func(j int, v float64) { require.InDelta(t, 1, v, 1e-4, "number %d", j) })
	require.Equal(t, s.Labels, y.Labels)

	// The largest direction comes first: it is the one in which the rows vary most.
	length := func(k int) float64 {
		sum := 0.0
		for _, v := range w.Projection[k*6 : (k+1)*6] {
			sum += v * v
		}
		return sum // 1 over the variance
	}
	for k := range 5 {
		require.Less(t, length(k), length(k+1))
	}

	// Fewer numbers are the first of all; rows have length 1 unless that is refused.
	few, err := NewWhitening(s, WhitenOptions{Size: 2})
	require.NoError(t, err)
	short, err := few.Apply(s)
	require.NoError(t, err)
	require.Equal(t, 2, short.Dim)
	for i := range s.Len() {
		n := math.Hypot(float64(y.Row(i)[0]), float64(y.Row(i)[1]))
		require.InDelta(t, float64(y.Row(i)[0])/n, short.Row(i)[0], 1e-5)
		require.InDelta(t, float64(y.Row(i)[1])/n, short.Row(i)[1], 1e-5)
	}

	// With classes, rows vary alike within a class, and apart from each other over all.
	w, err = NewWhitening(s, WhitenOptions{Classes: true, Keep: true})
	require.NoError(t, err)
	y, err = w.Apply(s)
	require.NoError(t, err)
	requireCovariance(t, y, y.classMeans(), func(j int, v float64) { require.InDelta(t, 1, v, 1e-3, "number %d", j) })
	last := math.Inf(1)
	requireCovariance(t, y, zero(6), func(j int, v float64) {
		require.Less(t, v, last, "number %d", j)
		last = v
	})

	text, err := json.Marshal(w)
	require.NoError(t, err)
	var read Whitening
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, *w, read)
}

// Numbers that never vary carry nothing, and so do directions that too few rows have.
func TestWhiteningLeavesOutWhatIsNothing(t *testing.T) {
	s := Set{Dim: 4, Embeddings: []float32{1, 0, 7, 0, 2, 5, 7, 0, 4, 1, 7, 0, 8, 3, 7, 0}, Labels: []int{0, 0, 1, 1}}
	w, err := NewWhitening(s, WhitenOptions{})
	require.NoError(t, err)
	require.Equal(t, 2, w.Size)
	two := Set{Dim: 4, Embeddings: s.Embeddings[:8]}
	w, err = NewWhitening(two, WhitenOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, w.Size)
}

func TestWhiteningRefuses(t *testing.T) {
	s := stretched()
	same := Set{Dim: 2, Embeddings: []float32{1, 2, 1, 2}, Labels: []int{0, 1}}
	for message, c := range map[string]struct {
		s Set
		o WhitenOptions
	}{
		"Size is 7; rows have 6 numbers":                 {s, WhitenOptions{Size: 7}},
		"Size is -1":                                     {s, WhitenOptions{Size: -1}},
		"all rows are the same":                          {same, WhitenOptions{}},
		"Size is 2, but the 2 rows vary in 1 directions": {Set{Dim: 2, Embeddings: []float32{1, 2, 3, 4}}, WhitenOptions{Size: 2}},
		"no class has two rows that differ":              {same, WhitenOptions{Classes: true}},
		"1 labels for 2 rows":                            {Set{Dim: 2, Embeddings: []float32{1, 2, 3, 4}, Labels: []int{1}}, WhitenOptions{Classes: true}},
		"no embeddings":                                  {Set{Dim: 2}, WhitenOptions{}},
	} {
		_, err := NewWhitening(c.s, c.o)
		require.ErrorContains(t, err, message)
	}
	w, err := NewWhitening(s, WhitenOptions{})
	require.NoError(t, err)
	_, err = w.Apply(same)
	require.ErrorContains(t, err, "rows of 2 numbers; it learned from rows of 6")
}
