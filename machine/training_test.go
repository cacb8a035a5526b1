package machine_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/losses"
	"medusa/machine"
	"medusa/nets"
	"medusa/pairs"
)

// training is a network with a loss and its gradients.
type training struct {
	x    []float32
	kept []*graph.Kept // the loss, then the gradients
	vm   gorgonia.VM
}

func newTraining(t testing.TB, cfg nets.Config, loss string, run func(*gorgonia.ExprGraph) (gorgonia.VM, error)) *training {
	t.Helper()
	const b, side = 8, 12
	cfg.InChannels, cfg.Embedding, cfg.Height, cfg.Width = 1, 6, side, side
	l, err := losses.Parse(loss, losses.Setting{Classes: 4, EmbeddingSize: 6, Seed: 2})
	require.NoError(t, err)
	g, p := gorgonia.NewGraph(), graph.NewParams(5)
	tr := &training{x: make([]float32, b*side*side)}
	net, err := nets.Build(cfg, p, input(g, "pictures", tr.x, b, 1, side, side), nets.Train)
	require.NoError(t, err)
	labels := input(g, "labels", []float32{0, 0, 1, 1, 2, 2, 3, 3}, b)
	cost, err := losses.BuildOn(l, pairs.Of(net.Embedding, labels))
	require.NoError(t, err)
	_, wrt := p.Learned(g)
	if own := losses.ParamsOf(l); own != nil {
		_, more := own.Learned(g)
		wrt = append(wrt, more...)
	}
	grads, err := gorgonia.Grad(cost, wrt...)
	require.NoError(t, err)
	for _, n := range append(gorgonia.Nodes{cost}, grads...) {
		k, err := graph.Keep(n)
		require.NoError(t, err)
		tr.kept = append(tr.kept, k)
	}
	tr.vm, err = run(g)
	require.NoError(t, err)
	t.Cleanup(func() { tr.vm.Close() })
	return tr
}

// A graph of training runs on Gorgonia's own machine too, with the same bits in every run.
func TestTrainingOnGorgoniasMachine(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  nets.Config
		loss string
	}{
		"cnn":     {nets.Config{Channels: []int{3, 5}}, "triplet"},
		"dropout": {nets.Config{Channels: []int{3, 5}, Norm: "none", Dropout: 0.3}, "contrastive + 0.5*ce"},
		"mlp":     {nets.Config{Backbone: "mlp", Hidden: []int{16, 8}}, "multi-similarity + triplet(miner=distance-weighted)"},
		"resnet":  {nets.Config{Backbone: "resnet18", Channels: []int{2, 3, 3, 4}}, "proxy-anchor"},
	} {
		t.Run(name, func(t *testing.T) {
			plain := newTraining(t, c.cfg, c.loss, func(g *gorgonia.ExprGraph) (gorgonia.VM, error) { return gorgonia.NewTapeMachine(g), nil })
			ours := newTraining(t, c.cfg, c.loss, machine.New)
			for step := range 3 {
				copy(plain.x, random(len(plain.x)))
				plain.x[step] = 1
				copy(ours.x, plain.x)
				for _, vm := range []gorgonia.VM{plain.vm, ours.vm} {
					require.NoError(t, vm.RunAll())
					vm.Reset()
				}
				for i, k := range plain.kept {
					require.True(t, slices.Equal(k.Float32s(), ours.kept[i].Float32s()), "step %d, value %d", step, i)
				}
			}
		})
	}
}

// After the first runs a training step allocates nothing.
func TestTrainingAllocatesNothing(t *testing.T) {
	tr := newTraining(t, nets.Config{Channels: []int{3, 5}}, "triplet + ce", machine.New)
	copy(tr.x, random(len(tr.x)))
	for range 3 {
		require.NoError(t, tr.vm.RunAll())
	}
	require.Zero(t, testing.AllocsPerRun(20, func() {
		if err := tr.vm.RunAll(); err != nil {
			t.Error(err)
		}
	}))
}
