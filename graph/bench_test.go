package graph_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// BenchmarkPairs times formulas over the pairs of a batch with itself and with a reference set, and
// their gradients to both, at embedding size 64 in float32, 4 a class.
func BenchmarkPairs(b *testing.B) {
	const e = 64
	for _, size := range [][2]int{{256, 256}, {256, 1024}, {1024, 1024}} {
		n, m := size[0], size[1]
		cross := n != m
		labels := func(k int) graphtest.Input {
			v := make([]float64, k)
			for i := range v {
				v[i] = float64(i / 4)
			}
			return graphtest.Data(v, k)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		in := []graphtest.Input{graphtest.Random(rng, n, e), labels(n)}
		if cross {
			in = append(in, graphtest.Random(rng, m, e), labels(m))
		}
		for _, c := range []struct {
			name string
			of   func(s pairSetting) graph.Expr
		}{
			{"terms", func(s pairSetting) graph.Expr {
				pull, _ := graph.RowTerms(s.pos, s.d, 0, 0)
				push, _ := graph.RowTerms(s.neg, s.d.Hinge(-1, 1), 0, 0)
				return pull.Add(push)
			}},
			{"log-sum-exp", func(s pairSetting) graph.Expr { return graph.RowLogSumExp(s.neg, s.d.Scale(-16), 0) }},
			{"hardest", func(s pairSetting) graph.Expr { return graph.RowMax(s.pos, s.d, 0).Sub(graph.RowMin(s.neg, s.d, 0)) }},
			{"eight nearest", func(s pairSetting) graph.Expr {
				return graph.RowLogSumExp(graph.RowNearestK(s.neg, s.d, 8), s.d.Scale(-16), 0)
			}},
			{"triplets", func(s pairSetting) graph.Expr {
				return graph.Triplets{Margin: 0.2, Window: graph.EveryTriplet()}.Sums(s.d, s.pos, s.neg).Sum
			}},
		} {
			b.Run(fmt.Sprintf("%s/%dx%d", c.name, n, m), func(b *testing.B) {
				machine, err := graphtest.New(tensor.Float32, func(in []graph.Expr) graph.Expr {
					x := graph.Normalize(in[0])
					var s pairSetting
					if cross {
						s.d = graph.DistancesBetween(x, graph.Normalize(in[2]))
						s.pos, s.neg = graph.PairMasksBetween(in[1], in[3])
					} else {
						s.d = graph.Distances(x)
						s.pos, s.neg = graph.PairMasks(in[1])
					}
					return c.of(s)
				}, in...)
				require.NoError(b, err)
				defer machine.Close()
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, machine.VM.RunAll())
					machine.VM.Reset()
				}
			})
		}
	}
}
