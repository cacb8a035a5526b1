package losses

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/miners"
)

// One loss value, with weights of its own or without, evaluated by fifty goroutines gives each
// the bits that it gives one alone.
func TestEvaluateByManyGoroutines(t *testing.T) {
	const b, e = 12, 5
	batch := func(seed uint64) ([]float64, []int) {
		rng := rand.New(rand.NewPCG(seed, 1))
		x, y := make([]float64, b*e), make([]int, b)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		for i := range y {
			y[i] = rng.IntN(4)
		}
		return x, y
	}
	head := func(seed uint64, kind Head, scale float64) *CrossEntropy {
		l := Default[*CrossEntropy]()
		l.Classes, l.Seed, l.Head, l.Scale = 4, seed, kind, scale
		return l
	}
	for name, loss := range map[string]Loss{
		"contrastive":      Default[Contrastive](),
		"triplet":          Triplet{Margin: 0.2, Miner: miners.TripletMargin{Type: miners.SemiHard, Margin: 0.2}},
		"lifted":           Default[LiftedStructure](),
		"multi-similarity": Default[MultiSimilarity](),
		"cross-entropy":    head(2, CosineHead, 16),
		"joint": &Joint{Parts: []Part{{Loss: head(3, CosineHead, 16), Weight: 1}, {Loss: head(0, LinearHead, 16), Weight: 1},
			{Loss: &Joint{Parts: []Part{{Loss: Triplet{Margin: 0.2}, Weight: 1}, {Loss: head(0, CosineHead, 3), Weight: 1}}}, Weight: 1}}},
		"matryoshka":   Matryoshka{Of: head(4, CosineHead, 16), Sizes: []int{2, 5}},
		"hierarchical": &Hierarchical{Of: head(5, CosineHead, 16), Above: []Loss{head(6, LinearHead, 16)}, Levels: [][]int{{0, 0, 1, 1}}},
		"graded":       Graded{Of: Default[Contrastive](), Vectors: [][]float64{{1, 0}, {1, 1}, {0, 1}, {1, 2}}},
		"regularized":  &Joint{Parts: []Part{{Loss: LpNorm{}, Weight: 0.1}, {Loss: RegularFace{}, Weight: 0.2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make([]Value, 50)
			var wg sync.WaitGroup
			for i := range got {
				wg.Go(func() {
					x, y := batch(uint64(i))
					v, err := Evaluate(loss, x, y, tensor.Float32)
					assert.NoError(t, err)
					got[i] = v
				})
			}
			wg.Wait()
			for i, v := range got {
				x, y := batch(uint64(i))
				want, err := Evaluate(loss, x, y, tensor.Float32)
				require.NoError(t, err)
				require.Equal(t, want, v, "goroutine %d", i)
			}
		})
	}
}

func TestEvaluatorIsOneGoroutines(t *testing.T) {
	const busy = "losses: the evaluator is used by another goroutine at this moment"
	v, err := NewEvaluator(Triplet{}, 2, 1, tensor.Float64)
	require.NoError(t, err)
	require.NoError(t, v.use.Begin(""))
	_, err = v.Value([]float64{1, 2}, []int{0, 1})
	require.ErrorContains(t, err, busy)
	require.ErrorContains(t, v.Close(), busy)
	v.use.End()
	_, err = v.Value([]float64{1, 2}, []int{0, 1})
	require.NoError(t, err)
	require.NoError(t, v.Close())
}
