package samplers

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inOrder makes labels of classes with so many pictures each.
func inOrder(sizes ...int) []int {
	var labels []int
	for c, n := range sizes {
		for range n {
			labels = append(labels, c)
		}
	}
	return labels
}

func times(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

func TestFit(t *testing.T) {
	for name, c := range map[string]struct {
		sizes  []int
		config Config
		p, k   int
	}{
		"enough of everything":              {times(30, 20), Config{}, 16, 4},
		"just enough":                       {times(16, 4), Config{}, 16, 4},
		"5 classes":                         {times(5, 30), Config{}, 5, 12},
		"9 classes":                         {times(9, 30), Config{}, 9, 7},
		"9 classes of 5 pictures":           {times(9, 5), Config{}, 9, 5},
		"2 classes":                         {times(2, 100), Config{}, 2, 32},
		"2 classes of 2 pictures":           {times(2, 2), Config{}, 2, 2},
		"many small classes":                {times(100, 2), Config{}, 32, 2},
		"classes of 3":                      {times(100, 3), Config{}, 21, 3},
		"a small class among few":           {append(times(8, 30), 3), Config{}, 9, 3},
		"a tenth of small classes":          {append(times(27, 30), 3, 3, 3), Config{}, 16, 4},
		"more than a tenth":                 {append(times(26, 30), 3, 3, 3, 3), Config{}, 21, 3},
		"single pictures do not count":      {append(times(20, 8), times(500, 1)...), Config{}, 16, 4},
		"few among single pictures":         {append(times(3, 8), times(500, 1)...), Config{}, 3, 8},
		"repeating small classes":           {append(times(8, 30), 3), Config{Repeat: true}, 9, 7},
		"repeating two pictures":            {times(2, 2), Config{Repeat: true}, 2, 2},
		"repeating single pictures":         {times(40, 1), Config{Repeat: true}, 32, 2},
		"P is given":                        {times(30, 20), Config{P: 5}, 5, 4},
		"P is given, classes are small":     {times(30, 3), Config{P: 5}, 5, 3},
		"P is given, as many as large ones": {append(times(28, 9), 3, 3), Config{P: 30}, 30, 3},
		"K is given":                        {times(30, 20), Config{K: 8}, 16, 8},
		"K is given, few classes":           {times(6, 20), Config{K: 8}, 6, 8},
		"K is given, few large classes":     {append(times(6, 20), times(30, 3)...), Config{K: 8}, 6, 8},
		"both are given":                    {times(3, 3), Config{P: 7, K: 9}, 7, 9},
		"another sampler":                   {times(5, 30), Config{Name: "pk-hard"}, 5, 12},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.config.Fit(inOrder(c.sizes...))
			want := c.config
			want.P, want.K = c.p, c.k
			assert.Equal(t, want, got)
			assert.Equal(t, got, got.Fit(inOrder(c.sizes...)), "what was filled in is given")
		})
	}
	assert.Equal(t, Config{Name: "uniform", Batch: 64}, Config{Name: "uniform"}.Fit(inOrder(100)))
	assert.Equal(t, Config{Name: "uniform", Batch: 7}, Config{Name: "uniform"}.Fit(inOrder(3, 4)))
	assert.Equal(t, Config{Name: "uniform", Batch: 9}, Config{Name: "uniform", Batch: 9}.Fit(inOrder(3, 4)))
	assert.Equal(t, Config{Name: "own"}, Config{Name: "own"}.Fit(inOrder(3, 4)), "nobody knows what it means")
	assert.NotPanics(t, func() { Config{Repeat: true}.Fit(nil); Config{}.Fit(nil) }, "New refuses an empty data set")
	assert.Equal(t, Config{P: -3}, Config{P: -3}.Fit(inOrder(3, 4)), "New refuses it")
	assert.Equal(t, Config{Batch: 32}, Config{Batch: 32}.Fit(inOrder(3, 4)), "New says what does not agree")
}

// Whatever the classes, New takes what Fit made, if there are two classes of two pictures,
// and at most a tenth of them is left out.
func TestWhatFitsCanBeDrawn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		sizes := make([]int, 1+rng.IntN(40))
		pairs := 0
		for i := range sizes {
			sizes[i] = 1 + rng.IntN(1+rng.IntN(30))
			if sizes[i] > 1 {
				pairs++
			}
		}
		labels := inOrder(sizes...)
		for _, name := range []string{"pk", "pk-independent", "pk-weighted", "pk-hard", "uniform"} {
			c := Config{Name: name}.Fit(labels)
			s, err := New(labels, c)
			if name != "uniform" && pairs < 2 {
				require.Error(t, err, "%v %+v", sizes, c)
				continue
			}
			require.NoError(t, err, "%v %+v", sizes, c)
			require.LessOrEqual(t, s.Batch(), 64, "%v", sizes)
			if name == "pk" {
				plan := NewPlan(labels, c.K, false)
				require.GreaterOrEqual(t, plan.UsableClasses, pairs-pairs/10, "%v %+v", sizes, c)
				require.GreaterOrEqual(t, c.K, 2)
			}
			require.NoError(t, s.Next(make([]int, s.Batch())))
		}
	}
}
