package metrics

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The protocol of Labeled Faces in the Wild by other means: testdata/pairs.py wrote what
// plain loops say.
func TestPairsByThePublishedProtocol(t *testing.T) {
	data, err := os.ReadFile("testdata/pairs.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Name               string
			Embeddings         [][]float64
			Labels             []int
			Pairs              [][4]int
			Thresholds, Shares []float64
			Accuracy, AUC, EER float64
			StandardError      float64 `json:"standard_error"`
			At                 []struct{ Asked, TAR, FAR, Distance float64 }
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var pairs []Pair
			same := 0
			for _, p := range c.Pairs {
				pairs = append(pairs, Pair{A: p[0], B: p[1], Same: p[2] == 1, Fold: p[3]})
				same += p[2]
			}
			v, err := VerifyPairs(context.Background(), setOf(c.Embeddings, c.Labels, 1), pairs, VerifyOptions{})
			require.NoError(t, err)
			assert.Equal(t, int64(same), v.Genuine)
			assert.Equal(t, int64(len(pairs)-same), v.Impostor)
			assert.False(t, v.Sampled())
			assert.True(t, v.CrossValidated())
			require.Len(t, v.Folds, len(c.Thresholds))
			for i, f := range v.Folds {
				assert.Equal(t, i, f.Fold)
				assert.Equal(t, len(pairs)/len(v.Folds), f.Pairs)
				assert.InDelta(t, c.Thresholds[i], f.Threshold, 1e-9*c.Thresholds[i])
				assert.InDelta(t, c.Shares[i], f.Accuracy, 1e-12)
			}
			assert.InDelta(t, c.Accuracy, v.Accuracy, 1e-12)
			assert.InDelta(t, c.StandardError, v.StandardError, 1e-12)
			assert.InDelta(t, c.AUC, v.AUC, 1e-12)
			assert.InDelta(t, c.EER, v.EER, 1e-12)
			require.Len(t, v.AtFAR, len(c.At))
			for i, want := range c.At {
				assert.Equal(t, want.Asked, v.AtFAR[i].AskedFAR)
				assert.Equal(t, want.Distance, v.AtFAR[i].Threshold)
				assert.InDelta(t, want.FAR, v.AtFAR[i].FAR, 1e-15)
				assert.InDelta(t, want.TAR, v.AtFAR[i].TAR, 1e-15)
			}
		})
	}
}

// A list of all pairs is what Verify measures.
func TestPairsOfAListThatHasAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	s := Set{Dim: 3}
	for i := range 60 {
		s.Labels = append(s.Labels, i%9)
		for range s.Dim {
			s.Embeddings = append(s.Embeddings, float32(i%9)+float32(rng.NormFloat64()))
		}
	}
	var pairs []Pair
	for i := range s.Len() {
		for j := range i {
			pairs = append(pairs, Pair{A: i, B: j, Same: s.Labels[i] == s.Labels[j]})
		}
	}
	for _, d := range []Distance{Euclidean, Cosine, Dot} {
		o := VerifyOptions{Distance: d, At: []float64{-1, 0.5, 2}}
		all, err := Verify(context.Background(), s, o)
		require.NoError(t, err)
		listed, err := VerifyPairs(context.Background(), s, pairs, o)
		require.NoError(t, err)
		assert.InDelta(t, all.AUC, listed.AUC, 1e-12)
		all.AUC, listed.AUC = 0, 0
		all.Curve, listed.Curve = nil, nil // other points of one line
		assert.Equal(t, all, listed.Verification)
		assert.False(t, listed.CrossValidated())
		assert.Equal(t, []FoldAccuracy{{Pairs: len(pairs)}}, listed.Folds)
		assert.Zero(t, listed.Accuracy)
	}
}

// The list is what counts: in any order, with A and B exchanged, without labels.
func TestPairsInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	s := Set{Dim: 2}
	for range 40 {
		s.Embeddings = append(s.Embeddings, float32(rng.IntN(5)), float32(rng.IntN(5)))
	}
	var pairs []Pair
	for i := range 90 {
		pairs = append(pairs, Pair{A: rng.IntN(40), B: rng.IntN(40), Same: rng.IntN(2) == 0, Fold: 7 * (i % 4)})
	}
	want, err := VerifyPairs(context.Background(), s, pairs, VerifyOptions{})
	require.NoError(t, err)
	assert.Equal(t, []int{0, 7, 14, 21}, []int{want.Folds[0].Fold, want.Folds[1].Fold, want.Folds[2].Fold, want.Folds[3].Fold})
	for range 10 {
		other := slices.Clone(pairs)
		rng.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		for i := range other {
			other[i].A, other[i].B = other[i].B, other[i].A
		}
		got, err := VerifyPairs(context.Background(), s, other, VerifyOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err = json.Marshal(want)
	require.NoError(t, err)
}

func TestPairsThatCannotBe(t *testing.T) {
	s := Set{Dim: 1, Embeddings: []float32{0, 1, 2}}
	nan := Set{Dim: 1, Embeddings: []float32{0, float32(math.NaN())}}
	both := []Pair{{A: 0, B: 1, Same: true}, {A: 0, B: 2}}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for want, c := range map[string]struct {
		ctx   context.Context
		set   Set
		pairs []Pair
		o     VerifyOptions
	}{
		"of 0 pairs 0 are the same":          {set: s},
		"of 1 pairs 1 are the same":          {set: s, pairs: both[:1]},
		"of 1 pairs 0 are the same":          {set: s, pairs: both[1:]},
		"pair 1 is of rows 0 and 3, want":    {set: s, pairs: []Pair{both[0], {A: 0, B: 3}}},
		"pair 0 is of rows -1 and 0, want":   {set: s, pairs: []Pair{{A: -1}, both[0]}},
		"did the training diverge":           {set: nan, pairs: both},
		"a false accept rate of 2":           {set: s, pairs: both, o: VerifyOptions{FAR: []float64{2}}},
		"verification stopped at pair 0 of ": {ctx: stopped, set: s, pairs: both},
	} {
		ctx := c.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		_, err := VerifyPairs(ctx, c.set, c.pairs, c.o)
		require.ErrorContains(t, err, want)
	}
}
