package miners

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/internal/graphtest"
	"medusa/pairs"
)

// The probabilities of negatives are the reference's. It subtracts the largest logarithm of the
// whole batch, so that a row may come to nothing where ours has a largest weight of 1.
func TestGoldenWeights(t *testing.T) {
	checked := 0
	for _, r := range golden.Open(t, "miners.json").Records {
		var name string
		_, err := r.Field("miner", &name)
		require.NoError(t, err)
		if name != "DistanceWeightedMiner" {
			continue
		}
		checked++
		t.Run(r.String(), func(t *testing.T) {
			m := Default[*DistanceWeighted]()
			for name, v := range r.Params {
				switch name {
				case "cutoff":
					m.Cutoff = v.(float64)
				case "nonzero_loss_cutoff":
					m.NonzeroLossCutoff = v.(float64)
				default:
					t.Fatal(name)
				}
			}
			var want golden.Matrix
			_, err := r.Field("weights", &want)
			require.NoError(t, err)
			x := r.Input.Embeddings
			labels := make([]float64, x.Rows)
			for i, l := range r.Input.Labels {
				labels[i] = float64(l)
			}
			got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
				return m.weights(pairs.Batch{X: in[0], Labels: in[1]}.Compare(pairs.LP{}), x.Cols)
			}, graphtest.Data(x.Data, x.Rows, x.Cols), graphtest.Data(labels, x.Rows))
			require.NoError(t, err)
			n := x.Rows
			for i := range n {
				row, sum := got[i*n:(i+1)*n], 0.0
				for _, w := range row {
					sum += w
				}
				for j, w := range row {
					if p := want.Data[i*n+j]; math.IsNaN(p) {
						require.Zero(t, w)
					} else {
						require.InDelta(t, p, w/sum, 1e-9, "row %d, column %d", i, j)
					}
				}
			}
		})
	}
	require.Equal(t, 12, checked)
}
