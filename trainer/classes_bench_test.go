package trainer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/losses"
	"medusa/machine"
	"medusa/optim"
	"medusa/pairs"
)

// BenchmarkManyClasses is the loss, its gradients and Adam's step of its weights alone, of 128
// embeddings of 128 numbers.
func BenchmarkManyClasses(b *testing.B) {
	const batch, size = 128, 128
	for _, classes := range []int{10_000, 100_000} {
		for _, text := range []string{
			"ce(share=0.1)", "ce(share=0.01)", "ce(classes=batch)",
			"arcface(share=0.1)", "arcface(share=0.01)", "arcface(classes=batch)",
			"proxy-nca(share=0.1)", "proxy-nca(share=0.01)", "proxy-nca(classes=batch)",
		} {
			b.Run(fmt.Sprintf("%d/%s", classes, text), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 2))
				loss, err := losses.Parse(text, losses.Setting{Classes: classes, EmbeddingSize: size, Seed: 1})
				require.NoError(b, err)
				g := gorgonia.NewGraph()
				x, embeddings := graph.Input(g, "embeddings", batch, size)
				y, labels := graph.Input(g, "labels", batch)
				cost, err := losses.BuildOn(loss, pairs.Of(x, y))
				require.NoError(b, err)
				params := losses.ParamsOf(loss)
				tensors, err := optim.Gradients(cost, params)
				require.NoError(b, err)
				value, err := graph.Keep(cost)
				require.NoError(b, err)
				vm, err := machine.On(g, nil, params)
				require.NoError(b, err)
				defer func() { require.NoError(b, vm.Close()) }()
				solver, err := optim.New(optim.Config{}, tensors, optim.Options{})
				require.NoError(b, err)
				for i := range embeddings {
					embeddings[i] = float32(rng.NormFloat64())
				}
				b.ReportAllocs()
				for b.Loop() {
					for i := range labels {
						labels[i] = float32(rng.IntN(classes))
					}
					vm.Reset()
					if err := vm.RunAll(); err != nil {
						b.Fatal(err)
					}
					if _, err := solver.Step(value, 1e-3); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
