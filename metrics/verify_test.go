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

	"medusa/internal/cpu/loops"
)

// TestThresholdsOfScikitLearn holds roc_curve and roc_auc_score of scikit-learn against
// Verify; testdata/thresholds.py wrote them.
func TestThresholdsOfScikitLearn(t *testing.T) {
	data, err := os.ReadFile("testdata/thresholds.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Name              string
			Embeddings        [][]float64
			Labels            []int
			Genuine, Impostor int64
			EER, AUC          float64
			At                []struct{ Asked, TAR, FAR, Distance float64 }
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			s := setOf(c.Embeddings, c.Labels, 1)
			v, err := Verify(context.Background(), s, VerifyOptions{})
			require.NoError(t, err)
			assert.Equal(t, c.Genuine, v.Genuine)
			assert.Equal(t, c.Impostor, v.Impostor)
			assert.False(t, v.Sampled())
			assert.InDelta(t, c.EER, v.EER, 1e-12)
			assert.InDelta(t, c.AUC, v.AUC, 1e-12)
			var again []float64
			require.NotEmpty(t, v.AtFAR)
			for i, p := range v.AtFAR {
				want := c.At[i]
				assert.Equal(t, want.Asked, p.AskedFAR)
				assert.Equal(t, want.Distance, p.Threshold, "at %g", p.AskedFAR)
				assert.InDelta(t, want.FAR, p.FAR, 1e-15)
				assert.InDelta(t, want.TAR, p.TAR, 1e-15)
				again = append(again, want.Distance)
			}
			assert.Len(t, v.TooFine, len(c.At)-len(v.AtFAR), "0.0001 asks for 100,000 impostor pairs")
			// The same thresholds brought from elsewhere give the same rates.
			given, err := Verify(context.Background(), s, VerifyOptions{At: again})
			require.NoError(t, err)
			for i, p := range given.At {
				assert.Equal(t, v.AtFAR[i].FAR, p.FAR)
				assert.Equal(t, v.AtFAR[i].TAR, p.TAR)
			}
		})
	}
}

// bruteVerification is the plain loop: every distance in float64, sorted.
func bruteVerification(s Set, o VerifyOptions) (genuine, impostor []float64) {
	for i := range s.Len() {
		for j := i + 1; j < s.Len(); j++ {
			d := o.Distance.fromKey(bruteKey(o.Distance, s.Row(i), s.Row(j)))
			if s.Labels[i] == s.Labels[j] {
				genuine = append(genuine, d)
			} else {
				impostor = append(impostor, d)
			}
		}
	}
	slices.Sort(genuine)
	slices.Sort(impostor)
	return genuine, impostor
}

// bruteEER goes along the ROC point by point.
func bruteEER(genuine, impostor []float64) float64 {
	far, tar := 0.0, 0.0
	for _, d := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(genuine), impostor...)))) {
		after := math.Nextafter(d, math.Inf(1))
		farther, more := below(impostor, after), below(genuine, after)
		if farther+more >= 1 {
			// The line from (far, tar) to (farther, more) meets tar = 1 − far at far + u(farther − far).
			return far + (farther-far)*(1-far-tar)/(farther+more-far-tar)
		}
		far, tar = farther, more
	}
	return math.NaN()
}

func below(list []float64, t float64) float64 {
	n, _ := slices.BinarySearch(list, t)
	return float64(n) / float64(len(list))
}

// Where no pair is wrong, the threshold leaves as much room on both sides, and accepts
// the farthest genuine pair even where there is none.
func TestEqualErrorOfClassesApart(t *testing.T) {
	s := Set{Embeddings: []float32{0, 1, 4, 5}, Dim: 1, Labels: []int{0, 0, 1, 1}}
	v, err := Verify(context.Background(), s, VerifyOptions{At: []float64{2}})
	require.NoError(t, err)
	require.Zero(t, v.EER)
	require.Equal(t, 2., v.EERThreshold, "genuine pairs at 1, impostors from 3 on")
	require.Equal(t, []OperatingPoint{{Threshold: 2, FAR: 0, TAR: 1}}, v.At)

	next := math.Nextafter(1, 2)
	require.Equal(t, next, between(1, next))
	require.Equal(t, 2., between(1, 3))
}

func TestVerifyIsThePlainLoop(t *testing.T) {
	measured := 0
	seeds := series(t, 50, 150)
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 9))
		sizes := []int{3, 17, 255, 257, 300}
		s := randomSet(rng, sizes[rng.IntN(len(sizes))], 1+rng.IntN(20), 1+rng.IntN(12))
		o := VerifyOptions{Distance: Distance(rng.IntN(3)), FAR: []float64{0.5, 0.1, 0.01, 0.001}, Seed: seed}
		genuine, impostor := bruteVerification(s, o)
		if len(genuine) > 0 && len(impostor) > 0 {
			o.At = []float64{genuine[len(genuine)/2], impostor[len(impostor)/3], 0.1}
		}
		v, err := Verify(context.Background(), s, o)
		if len(genuine) == 0 || len(impostor) == 0 {
			require.ErrorContains(t, err, "thresholds need pairs of one class and of two")
			continue
		}
		measured++
		require.NoError(t, err)
		require.EqualValues(t, len(genuine), v.Genuine)
		require.EqualValues(t, len(impostor), v.Impostor)
		auc := 0.0
		for _, g := range genuine {
			first, _ := slices.BinarySearch(impostor, g)
			last, _ := slices.BinarySearch(impostor, math.Nextafter(g, math.Inf(1)))
			auc += float64(len(impostor)-last) + float64(last-first)/2
		}
		tolerance := 1e-12
		if len(genuine) > genuineEdges {
			tolerance = 0.5 / (genuineEdges - 1)
		}
		require.InDelta(t, auc/float64(len(genuine))/float64(len(impostor)), v.AUC, tolerance, "seed %d", seed)
		require.InDelta(t, bruteEER(genuine, impostor), v.EER, 1e-12, "seed %d: %v", seed, o.Distance)
		for i, p := range v.AtFAR {
			require.Equal(t, o.FAR[i], p.AskedFAR)
			k := int(o.FAR[i] * float64(len(impostor)) * (1 + 1e-12))
			require.Equal(t, impostor[k], p.Threshold, "seed %d: %v", seed, o.Distance)
			require.Equal(t, below(impostor, p.Threshold), p.FAR)
			require.Equal(t, below(genuine, p.Threshold), p.TAR)
			require.LessOrEqual(t, p.FAR, p.AskedFAR)
		}
		for i, p := range v.At {
			require.Equal(t, o.At[i], p.Threshold)
			require.Equal(t, below(impostor, p.Threshold), p.FAR, "seed %d: %v", seed, o.Distance)
			require.Equal(t, below(genuine, p.Threshold), p.TAR)
		}
		require.LessOrEqual(t, below(impostor, v.EERThreshold), v.EER*(1+1e-12))
		if v.EER == 0 {
			require.Equal(t, between(genuine[len(genuine)-1], impostor[0]), v.EERThreshold)
			require.Equal(t, 1., below(genuine, v.EERThreshold))
		} else {
			require.Equal(t, impostor[rankBelow(v.EER, v.Impostor)], v.EERThreshold)
		}
		for _, p := range v.Curve {
			require.Equal(t, below(impostor, p.Threshold), p.FAR)
			require.Equal(t, below(genuine, p.Threshold), p.TAR)
		}
	}
	require.Greater(t, measured, int(seeds*2/3))
}

// More impostors than the drawn edges, so that thresholds lie within gaps, in blocks of
// several tiles.
func TestThresholdsBetweenTheEdges(t *testing.T) {
	s := clustered(1, 1500, 8, 100, 2)
	v, err := Verify(context.Background(), s, VerifyOptions{})
	require.NoError(t, err)
	genuine, impostor := bruteVerification(s, VerifyOptions{})
	require.Greater(t, len(impostor), 4*edgeDraws)
	require.Len(t, v.AtFAR, 4)
	for _, p := range v.AtFAR {
		assert.Equal(t, impostor[int(p.AskedFAR*float64(len(impostor)))], p.Threshold)
		assert.Equal(t, below(impostor, p.Threshold), p.FAR)
		assert.Equal(t, below(genuine, p.Threshold), p.TAR)
	}
	far := make([]float64, len(v.Curve))
	for i, p := range v.Curve {
		far[i] = p.FAR
	}
	assert.True(t, slices.IsSorted(far))
	assert.Greater(t, len(far), 60)

	for _, threads := range []int{1, 3} {
		loops.SetThreads(threads)
		again, err := Verify(context.Background(), s, VerifyOptions{})
		require.NoError(t, err)
		assert.Equal(t, v, again)
	}
	loops.SetThreads(0)
}

// Every picture on one point: a threshold tells nothing.
func TestThresholdsOfOnePoint(t *testing.T) {
	s := sortedByClass(4, 30, 2, func(int, int) float32 { return 1 })
	v, err := Verify(context.Background(), s, VerifyOptions{})
	require.NoError(t, err)
	assert.InDelta(t, .5, v.EER, 1e-12)
	assert.InDelta(t, .5, v.AUC, 1e-12)
	for _, p := range v.AtFAR {
		assert.Zero(t, p.TAR)
		assert.Zero(t, p.FAR)
	}
	assert.Equal(t, []float64{0.001, 0.0001}, v.TooFine, "4·3/2·30² = 5,400 impostor pairs")
}

// A sample gives rates close to those of all pairs, tells how many it is of, and depends
// on the seed alone.
func TestSampledThresholds(t *testing.T) {
	s := clustered(1, 2000, 8, 40, 2)
	all, err := Verify(context.Background(), s, VerifyOptions{})
	require.NoError(t, err)
	o := VerifyOptions{MaxGenuine: 20_000, MaxRows: 1000, Seed: 3}
	v, err := Verify(context.Background(), s, o)
	require.NoError(t, err)
	assert.True(t, v.Sampled())
	assert.Equal(t, all.AllGenuine, v.AllGenuine)
	assert.Equal(t, all.AllImpostor, v.AllImpostor)
	assert.Equal(t, 40, v.Classes)
	assert.LessOrEqual(t, v.Genuine, int64(20_000))
	assert.Greater(t, v.Genuine, int64(15_000))
	assert.InDelta(t, 1000*999/2, v.Impostor, 20_000)
	assert.InDelta(t, all.EER, v.EER, 0.01)
	assert.InDelta(t, all.AUC, v.AUC, 0.01)
	again, err := Verify(context.Background(), s, o)
	require.NoError(t, err)
	assert.Equal(t, v, again)
	o.Seed = 4
	other, err := Verify(context.Background(), s, o)
	require.NoError(t, err)
	assert.NotEqual(t, v.EER, other.EER)

	rare := Set{Dim: 1, Embeddings: make([]float32, 500), Labels: make([]int, 500)}
	rare.Labels[499] = 1
	_, err = Verify(context.Background(), rare, VerifyOptions{MaxRows: 2})
	assert.EqualError(t, err, "metrics: verification: no pair of two classes among 2 rows drawn of 500; raise MaxRows")
}

func TestVerifyRefuses(t *testing.T) {
	good := Set{Embeddings: []float32{1, 2, 3}, Dim: 1, Labels: []int{1, 1, 2}}
	refused := func(s Set, o VerifyOptions) string {
		_, err := Verify(context.Background(), s, o)
		require.Error(t, err)
		return err.Error()
	}
	assert.Equal(t, "metrics: verification: a false accept rate of 1; it lies between 0 and 1", refused(good, VerifyOptions{FAR: []float64{1}}))
	assert.Equal(t, "metrics: verification: a threshold of NaN", refused(good, VerifyOptions{At: []float64{math.NaN()}}))
	assert.Equal(t, "metrics: no distance 9; there are Euclidean, Cosine and Dot", refused(good, VerifyOptions{Distance: 9}))
	assert.Contains(t, refused(good, VerifyOptions{MaxRows: 1}), "give 0 for the defaults")
	assert.Contains(t, refused(Set{Embeddings: []float32{1, float32(math.NaN())}, Dim: 1, Labels: []int{1, 2}}, VerifyOptions{}), "row 1 holds NaN; did the training diverge?")
	assert.Contains(t, refused(Set{Embeddings: []float32{1, 2}, Dim: 1, Labels: []int{1, 2}}, VerifyOptions{}), "no two rows are of one class")
	assert.Contains(t, refused(Set{Embeddings: []float32{1, 2}, Dim: 1, Labels: []int{1, 1}}, VerifyOptions{}), "all rows are of one class")
	assert.Contains(t, refused(Set{Embeddings: []float32{1, 2}, Dim: 1, Labels: []int{1}}, VerifyOptions{}), "1 labels for 2 rows")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Verify(ctx, good, VerifyOptions{})
	assert.ErrorIs(t, err, context.Canceled)
}

func FuzzVerify(f *testing.F) {
	f.Add(uint64(1), 20, 3, 2, 0)
	f.Add(uint64(7), 300, 1, 9, 1)
	f.Fuzz(func(t *testing.T, seed uint64, n, dim, classes, distance int) {
		if n < 2 || n > 400 || dim < 1 || dim > 40 || classes < 1 || classes > n {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 10))
		s := randomSet(rng, n, dim, classes)
		v, err := Verify(context.Background(), s, VerifyOptions{Distance: Distance(distance), MaxRows: 2 + n/2})
		if err != nil {
			return
		}
		for _, rate := range []float64{v.EER, v.AUC} {
			require.GreaterOrEqual(t, rate, 0.)
			require.LessOrEqual(t, rate, 1.)
		}
		_, err = json.Marshal(v)
		require.NoError(t, err)
	})
}
