package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device"
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
			case device.PairLogSumExp:
				if s.OfClasses() {
					byClass++
				} else {
					others++
				}
			case device.PairLogSumExpGrad:
				if device.PairLogSumExp(s).OfClasses() {
					gradients++
				} else {
					others++
				}
			case device.PairLogSumExpAmongGrad:
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
	for text, grouped := range map[string]func(spec any) bool{
		"arcface(sub-centers=3)": func(spec any) bool {
			switch s := spec.(type) {
			case device.GroupMax:
				return s == device.GroupMax{Groups: n * 4, Size: vectors}
			case device.GroupMaxGrad:
				return s == device.GroupMaxGrad{Groups: n * 4, Size: vectors}
			}
			return false
		},
		"soft-triple(centers=3)": func(spec any) bool {
			switch s := spec.(type) {
			case device.GroupSoftMax:
				return s.Groups == n*4 && s.Size == vectors
			case device.GroupSoftMaxGrad:
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
			case device.Permute:
				t.Errorf("%s: %s", text, device.Describe(s))
			case device.RowReduce:
				require.NotEqual(t, vectors, s.Cols, "%s: %s", text, device.Describe(s))
			}
		}
		require.Equal(t, 2, count, "%s: value and gradient", text)
	}
}
