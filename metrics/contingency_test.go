package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func contingency(t *testing.T, a, b []int) Contingency {
	c, err := NewContingency(a, b)
	require.NoError(t, err)
	return c
}

func randomLabels(rng *rand.Rand, n, classes int) []int {
	labels := make([]int, n)
	for i := range labels {
		labels[i] = rng.IntN(classes)
	}
	return labels
}

// bruteInformation is Σ p·log(p_ij/(p_i·p_j)) from probabilities.
func bruteInformation(a, b []int) float64 {
	n := float64(len(a))
	pa, pb, pab := map[int]float64{}, map[int]float64{}, map[[2]int]float64{}
	for i := range a {
		pa[a[i]] += 1 / n
		pb[b[i]] += 1 / n
		pab[[2]int{a[i], b[i]}] += 1 / n
	}
	sum := 0.0
	for k, p := range pab {
		sum += p * math.Log(p/(pa[k[0]]*pb[k[1]]))
	}
	return sum
}

// The expectation behind AMI is the mean over all orders of one labeling.
func TestExpectedInformationIsTheMeanOverAllPermutations(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		n := 1 + rng.IntN(6)
		a, b := randomLabels(rng, n, 3), randomLabels(rng, n, 4)
		sum, orders := 0.0, 0
		permute(b, 0, func(p []int) {
			sum += bruteInformation(a, p)
			orders++
		})
		assert.InDelta(t, sum/float64(orders), contingency(t, a, b).expectedInformation(), 1e-13, "%v %v", a, b)
	}
}

func permute(p []int, from int, use func([]int)) {
	if from == len(p) {
		use(p)
		return
	}
	for i := from; i < len(p); i++ {
		p[from], p[i] = p[i], p[from]
		permute(p, from+1, use)
		p[from], p[i] = p[i], p[from]
	}
}

// The pair counts are those of a loop over all pairs.
func TestPairFiguresAreThePlainLoop(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 5))
		n := 2 + rng.IntN(40)
		a, b := randomLabels(rng, n, 1+rng.IntN(8)), randomLabels(rng, n, 1+rng.IntN(8))
		var tp, fp, fn, tn float64
		for i := range n {
			for j := range i {
				switch same := a[i] == a[j]; {
				case same && b[i] == b[j]:
					tp++
				case same:
					fn++
				case b[i] == b[j]:
					fp++
				default:
					tn++
				}
			}
		}
		c := contingency(t, a, b)
		if tp+fp+fn > 0 {
			assert.InDelta(t, 2*tp/(2*tp+fp+fn), c.PairwiseF1(), 1e-14, "seed %d", seed)
		}
		if fp+fn > 0 {
			want := 2 * (tp*tn - fn*fp) / ((tp+fn)*(fn+tn) + (tp+fp)*(fp+tn))
			assert.InDelta(t, want, c.ARI(), 1e-13, "seed %d", seed)
		}
		assert.InDelta(t, bruteInformation(a, b), c.MutualInformation(), 1e-13, "seed %d", seed)
		back := contingency(t, b, a)
		assert.InDelta(t, c.NMI(), back.NMI(), 1e-13)
		assert.InDelta(t, c.AMI(), back.AMI(), 1e-11)
		assert.Equal(t, c.ARI(), back.ARI())
		assert.Equal(t, c.PairwiseF1(), back.PairwiseF1())
	}
}

func TestComparisonCorners(t *testing.T) {
	one, each, halves := []int{5, 5, 5, 5}, []int{1, 2, 3, 4}, []int{1, 1, 2, 2}
	for name, tc := range map[string]struct {
		a, b              []int
		nmi, ami, ari, f1 float64
	}{
		"the same":               {halves, []int{9, 9, 0, 0}, 1, 1, 1, 1},
		"one class each":         {one, one, 1, 1, 1, 1},
		"a class for every row":  {each, []int{4, 3, 2, 1}, 1, 1, 1, 1},
		"one class against each": {one, each, 0, 0, 0, 0},
		"one class, two halves":  {one, halves, 0, 0, 0, .5},      // P = 1, R = 2/6
		"halves against each":    {halves, each, 2. / 3, 0, 0, 0}, // H = log 2 and 2·log 2, I = log 2
		"a single row":           {[]int{1}, []int{2}, 1, 1, 1, 1},
	} {
		c := contingency(t, tc.a, tc.b)
		assert.InDelta(t, tc.nmi, c.NMI(), 1e-14, name)
		assert.InDelta(t, tc.ami, c.AMI(), 1e-14, name)
		assert.InDelta(t, tc.ari, c.ARI(), 1e-14, name)
		assert.InDelta(t, tc.f1, c.PairwiseF1(), 1e-14, name)
	}
	_, err := NewContingency(one, each[:3])
	assert.EqualError(t, err, "metrics: labelings of 4 and 3 rows cannot be compared")
	_, err = NewContingency(nil, nil)
	assert.EqualError(t, err, "metrics: labelings without rows")
}
