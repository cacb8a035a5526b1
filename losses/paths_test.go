package losses_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/spec"
	"medusa/losses"
	"medusa/miners"
)

// specsOf is what a machine of the CPU computes of a loss of n rows in 4 classes and its gradients.
func specsOf(t *testing.T, text string, n int) (specs []any) {
	l, err := losses.Parse(text, losses.Setting{Classes: 4, EmbeddingSize: 8})
	require.NoError(t, err)
	return specsOfLoss(t, l, n)
}

func specsOfLoss(t *testing.T, l losses.Loss, n int) (specs []any) {
	g := gorgonia.NewGraph()
	x := gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithName("x"), gorgonia.WithShape(n, 8))
	y := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithName("y"), gorgonia.WithShape(n))
	cost, err := losses.Build(l, x, y)
	require.NoError(t, err)
	_, err = gorgonia.Grad(cost, x)
	require.NoError(t, err)
	steps, err := graph.Steps(g)
	require.NoError(t, err)
	for _, s := range graph.Powered(graph.Chained(graph.OnHost(steps))) {
		specs = append(specs, s.Spec)
	}
	return specs
}

// Angular sums each pair of rows of a class once, value and gradient, in every form; not where a miner chose pairs.
func TestAngularSumsClassByClass(t *testing.T) {
	sums := func(specs []any) (byClass, others, gradients int) {
		for _, s := range specs {
			switch s := s.(type) {
			case spec.PairLogSumExp:
				if s.OfClasses() {
					byClass++
				} else {
					others++
				}
			case spec.PairLogSumExpGrad:
				if spec.PairLogSumExp(s).OfClasses() {
					gradients++
				} else {
					others++
				}
			case spec.PairLogSumExpAmongGrad:
				others++
			}
		}
		return byClass, others, gradients
	}
	for _, text := range []string{"angular", "angular(rows=raw)", "angular(rows=raw-negatives)"} {
		byClass, others, gradients := sums(specsOf(t, text, 16))
		require.Equal(t, []int{1, 0, 1}, []int{byClass, others, gradients}, text)
	}
	mined := losses.Default[losses.Angular]()
	mined.Miner = miners.BatchHard{}
	byClass, others, _ := sums(specsOfLoss(t, mined, 16))
	require.Zero(t, byClass)
	require.Positive(t, others)
}

// The vectors of a class lie side by side: losses with several of them reduce groups, and no matrix is cut or turned
// for it.
func TestVectorsOfAClassAreGroups(t *testing.T) {
	const n, vectors = 16, 3
	for text, grouped := range map[string]func(what any) bool{
		"arcface(sub-centers=3)": func(what any) bool {
			switch s := what.(type) {
			case spec.GroupMax:
				return s == spec.GroupMax{Groups: n * 4, Size: vectors}
			case spec.GroupMaxGrad:
				return s == spec.GroupMaxGrad{Groups: n * 4, Size: vectors}
			}
			return false
		},
		"soft-triple(centers=3)": func(what any) bool {
			switch s := what.(type) {
			case spec.GroupSoftMax:
				return s.Groups == n*4 && s.Size == vectors
			case spec.GroupSoftMaxGrad:
				return s.Groups == n*4 && s.Size == vectors
			}
			return false
		},
	} {
		count := 0
		for _, s := range specsOf(t, text, n) {
			if grouped(s) {
				count++
			}
			switch s := s.(type) {
			case spec.Permute:
				t.Errorf("%s: %s", text, spec.Describe(s))
			case spec.RowReduce:
				require.NotEqual(t, vectors, s.Cols, "%s: %s", text, spec.Describe(s))
			}
		}
		require.Equal(t, 2, count, "%s: value and gradient", text)
	}
}

// Losses of sums of powers make distances and sums in one pass, and the gradient of what that leaves; not where a
// miner chose pairs, where a memory is compared with, nor of a distance that is no power's exponent.
func TestSumsOfPowersAreOnePass(t *testing.T) {
	onePass := func(text string) (powers, gradients int) {
		for _, s := range specsOf(t, text, 64) {
			switch s := s.(type) {
			case spec.PairPowers:
				powers++
			case spec.PairGrad:
				if s.Powers {
					gradients++
				}
			case spec.Distance, spec.RowReduce:
				require.Zero(t, powers, "%s: %s", text, spec.Describe(s))
			}
		}
		return powers, gradients
	}
	for text, want := range map[string]int{
		"nca": 1, "nca(form=expected)": 1, "supcon": 1, "multi-similarity": 1, "nca + multi-similarity": 2, "supcon + multi-similarity": 0, "nca(distance=euclidean)": 0,
		"nca(miner=multi-similarity)": 0, "supcon(miner=batch-hard)": 0, "cross-batch-memory(of=nca, form=joined)": 0, "ntxent": 0,
	} {
		powers, gradients := onePass(text)
		require.Equal(t, []int{want, want}, []int{powers, gradients}, text)
	}
}

// Such a loss in float32 is the one in float64, which takes no such way: value and gradient, of near rows too, in
// batches in order of their classes or not, and of one class.
func TestSumsOfPowersAreThoseOfDoubles(t *testing.T) {
	const n, e = 160, 24
	rng := rand.New(rand.NewPCG(31, 1))
	for _, text := range []string{"nca", "nca(form=expected, softmax-scale=5)", "supcon", "multi-similarity"} {
		l, err := losses.Parse(text, losses.Setting{Classes: 40, EmbeddingSize: e})
		require.NoError(t, err)
		single, err := losses.NewEvaluator(l, n, e, tensor.Float32)
		require.NoError(t, err)
		double, err := losses.NewEvaluator(l, n, e, tensor.Float64)
		require.NoError(t, err)
		for round := range 4 {
			x, y := make([]float64, n*e), make([]int, n)
			for i := range x {
				x[i] = float64(float32(rng.NormFloat64()))
				if round > 1 && i >= e && i/e%3 > 0 { // close to the row before
					x[i] = float64(float32(x[i-e] + 0.01*x[i]))
				}
			}
			for i := range y {
				y[i] = []int{i / 4, i % 40, (i + 2) / 4, 0}[round]
			}
			got, err := single.Value(x, y)
			require.NoError(t, err)
			want, err := double.Value(x, y)
			require.NoError(t, err)
			require.InEpsilon(t, 1+want.Loss, 1+got.Loss, 1e-5, "%s, round %d", text, round)
			largest := 0.0
			for _, v := range want.Gradient {
				largest = max(largest, math.Abs(v))
			}
			require.InDeltaSlice(t, want.Gradient, got.Gradient, 2e-4*largest+1e-7, "%s, round %d", text, round)
		}
		require.NoError(t, single.Close())
		require.NoError(t, double.Close())
	}
}

// The terms of intra-pair variance, squares of hinges with a mean of the batch, are summed row by row as they are made,
// and so is their gradient: there is no matrix but that of the similarities.
func TestIntraPairVarianceIsOfTerms(t *testing.T) {
	squares, parts := 0, 0
	for _, s := range specsOf(t, "intra-pair-variance", 16) {
		switch s := s.(type) {
		case spec.RowTerms:
			if s.Square {
				require.NotZero(t, s.Shift)
				squares++
			}
		case spec.PairGrad:
			for _, p := range s.Parts {
				require.Equal(t, spec.TermsPart, p.Kind)
				parts++
			}
		case spec.Chain, spec.Unary, spec.UnaryGrad:
			require.NotContains(t, spec.Describe(s), "16 16")
			require.NotContains(t, spec.Describe(s), "N:256")
		}
	}
	require.Equal(t, []int{2, 4}, []int{squares, parts}, "positive and negative pairs, and their means")
}

// P2SGrad goes through its cosines once for the value and once for the gradient, and its mask is in no memory.
func TestP2SGradIsTwoChains(t *testing.T) {
	chains := 0
	for _, s := range specsOf(t, "p2sgrad", 16) {
		switch s := s.(type) {
		case spec.Chain:
			require.Contains(t, s.String(), "PairMask")
			chains++
		case spec.PairMask, spec.RowReduce, spec.RowReduceGrad:
			t.Error(spec.Describe(s))
		}
	}
	require.Equal(t, 2, chains)
}
