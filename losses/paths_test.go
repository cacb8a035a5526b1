package losses_test

import (
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
	for _, s := range graph.Chained(graph.OnHost(steps)) {
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
