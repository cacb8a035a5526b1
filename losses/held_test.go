package losses_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/losses"
	"medusa/machine"
	"medusa/miners"
	"medusa/pairs"
)

// Of losses over pairs, mined or not, no mask of shape (B, M) lies in memory: the kernels make
// masks of labels and of what a miner chose, row by row, when they read them.
func TestNoMaskIsHeld(t *testing.T) {
	const b, e = 23, 7
	hard := miners.BatchHard{}
	for _, c := range []struct {
		loss losses.Loss
		m    int // 0: the batch itself
	}{
		{losses.Contrastive{NegMargin: 1}, 0},
		{losses.Contrastive{NegMargin: 1}, 29},
		{losses.Contrastive{NegMargin: 1, Miner: hard}, 0},
		{losses.Contrastive{NegMargin: 1, Miner: hard}, 29},
		{losses.Triplet{Margin: 0.2, Miner: hard}, 0},
		{losses.Triplet{Margin: 0.2, Miner: hard}, 29},
		{losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{Metric: pairs.LP{P: 3}}}, 0},
		{losses.Triplet{Margin: 0.2, Miner: hard, Swap: true}, 0},
		{losses.Triplet{Margin: 0.2, Miner: semiHard(0.2)}, 0},
		{losses.Triplet{Margin: 0.2, Miner: semiHard(0.2)}, 29},
		{losses.Triplet{Margin: 0.2}, 0},
		{losses.MultiSimilarity{Alpha: 2, Beta: 50, Base: 0.5, Metric: pairs.LP{}}, 0},
		{losses.MultiSimilarity{Alpha: 2, Beta: 50, Base: 0.5, Metric: pairs.LP{}, Miner: hard}, 29},
		{losses.LiftedStructure{Form: losses.Generalized, Margin: 0.5, Sharpness: 16, HardNegatives: 2}, 0},
	} {
		t.Run(fmt.Sprintf("%T%+v of %d", c.loss, c.loss, c.m), func(t *testing.T) {
			vm := planned(t, c.loss, b, e, c.m)
			defer vm.Close()
			m := c.m
			if m == 0 {
				m = b
			}
			held := graphtest.Held(t, vm, b, m)
			if c.m == 0 { // of a batch with itself a gradient that differs at the two ends of a pair is added to its transpose in memory
				held = slices.DeleteFunc(held, func(op string) bool {
					return slices.ContainsFunc([]string{"spec.TripletsGrad{", "spec.RowTermsGrad{", "spec.RowReduceGrad{", "Binary + "}, func(gradient string) bool {
						return strings.HasPrefix(op, gradient)
					})
				})
			}
			require.Empty(t, held)
		})
	}
}

// Batch-hard finds each anchor's hardest pairs once, whether the miner or the loss asks.
func TestBatchHardReducesOnce(t *testing.T) {
	for _, m := range []int{0, 29} {
		vm := planned(t, losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}, 23, 7, m)
		defer vm.Close()
		var reductions []string
		for _, n := range vm.(interface{ Nodes() gorgonia.Nodes }).Nodes() {
			if n.Op() != nil && strings.HasPrefix(n.Op().String(), "spec.RowReduce{") {
				reductions = append(reductions, n.Op().String())
			}
		}
		require.Len(t, reductions, 2, "of a reference set of %d: %v", m, reductions)
	}
}

// planned is the machine of a loss and its gradient to embeddings (b, e), compared with a
// reference set of m rows, or with themselves if m is 0.
func planned(t *testing.T, loss losses.Loss, b, e, m int) gorgonia.VM {
	t.Helper()
	g := gorgonia.NewGraph()
	node := func(name string, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithInit(gorgonia.Zeroes()))
	}
	x := node("x", b, e)
	batch := pairs.Of(x, node("y", b))
	if m > 0 {
		batch.Ref, batch.RefLabels = graph.Of(node("ref", m, e)), graph.Data(node("labels", m))
	}
	cost, err := losses.BuildOn(loss, batch)
	require.NoError(t, err)
	_, err = gorgonia.Grad(cost, x)
	require.NoError(t, err)
	vm, err := machine.New(g)
	require.NoError(t, err)
	return vm
}
