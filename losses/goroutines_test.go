package losses

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
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
	for name, loss := range map[string]Loss{
		"contrastive":      Contrastive{},
		"triplet":          Triplet{Mining: SemiHard},
		"lifted":           LiftedStructure{},
		"multi-similarity": MultiSimilarity{},
		"cross-entropy":    &CrossEntropy{Classes: 4, Seed: 2},
		"joint": &Joint{Parts: []Part{{Loss: &CrossEntropy{Classes: 4, Seed: 3}}, {Loss: &CrossEntropy{Classes: 4, Linear: true}},
			{Loss: &Joint{Parts: []Part{{Loss: Triplet{}}, {Loss: &CrossEntropy{Classes: 4, Scale: 3}}}}}}},
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
