package losses_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/internal/graphtest"
	"medusa/losses"
)

// likelihoods are the losses that ask how likely right pairs are, and those of their family, in
// their forms.
var likelihoods = []string{
	"circle", "circle(through-weights=true)", "nca", "nca(form=expected)", "ntxent", "ntxent(distance=euclidean)", "supcon", "supcon(hard-negatives=1)",
	"n-pairs", "n-pairs(l2=0.1)", "tuplet-margin", "intra-pair-variance", "snr-contrastive", "instance", "instance(target=row)",
	"instance(target=numbered-row)", "angular", "angular(rows=raw-negatives)", "siglip", "vicreg", "barlow-twins",
}

// Whatever finite embeddings come, loss and gradient are finite, and an embedding that is not
// finite shows in both.
func TestLikelihoodsOfHostileEmbeddings(t *testing.T) {
	const b, e = 8, 5 // two of each class, so that each row is in every loss
	for _, text := range likelihoods {
		t.Run(text, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(11, 7))
			raw := slices.ContainsFunc([]string{"l2", "raw-negatives", "vicreg", "barlow"}, func(s string) bool { return strings.Contains(text, s) })
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				eval, err := losses.NewEvaluator(parsed(t, text), b, e, dt)
				require.NoError(t, err)
				defer eval.Close()
				for _, kind := range hostileKinds {
					if raw && slices.Contains([]string{"large", "huge", "both", "largest"}, kind) {
						continue // its squares of embeddings that are not normalised overflow
					}
					x, odd := hostileRows(rng, kind, b, e)
					y := make([]int, b)
					for i := range y {
						y[i] = i % 4
					}
					v, err := eval.Value(x, y)
					require.NoError(t, err)
					if odd {
						require.True(t, notFinite(v.Loss), "%s in %v: the loss is %g", kind, dt, v.Loss)
						require.True(t, notFinite(v.Gradient...), "%s in %v: the gradient is finite", kind, dt)
						continue
					}
					require.False(t, notFinite(v.Loss), "%s in %v: the loss is %g", kind, dt, v.Loss)
					require.False(t, notFinite(v.Gradient...), "%s in %v: the gradient is %g", kind, dt, v.Gradient)
				}
			}
		})
	}
}

// Masks of labels and of what a miner chose are read row by row: none lies in memory.
func TestLikelihoodsHoldNoMask(t *testing.T) {
	for _, text := range []string{"circle", "nca", "ntxent", "supcon", "tuplet-margin", "intra-pair-variance", "instance", "angular", "siglip"} {
		for _, miner := range []string{"", "batch-hard"} {
			for _, m := range []int{0, 29} {
				if miner != "" {
					if text == "instance" {
						continue
					}
				}
				t.Run(fmt.Sprintf("%s, miner %q, reference set of %d", text, miner, m), func(t *testing.T) {
					full := text
					if miner != "" {
						full += "(miner=" + miner + ")"
					}
					vm := planned(t, parsed(t, full), 23, 7, m)
					defer vm.Close()
					columns := m
					if m == 0 {
						columns = 23
					}
					for _, op := range graphtest.Held(t, vm, 23, columns) {
						require.False(t, strings.HasPrefix(op, "spec.PairMask{"), op)
					}
				})
			}
		}
	}
}

// One loss with parameters, evaluated by many goroutines, gives each the bits that it gives one
// alone.
func TestSigLIPByManyGoroutines(t *testing.T) {
	loss := losses.Default[*losses.SigLIP]()
	got := make([]losses.Value, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			x, y := randomBatch(uint64(i), 12, 5, 3)
			v, err := losses.Evaluate(loss, x, y, tensor.Float32)
			assert.NoError(t, err)
			got[i] = v
		})
	}
	wg.Wait()
	for i, v := range got {
		x, y := randomBatch(uint64(i), 12, 5, 3)
		want, err := losses.Evaluate(loss, x, y, tensor.Float32)
		require.NoError(t, err)
		require.Equal(t, want, v)
	}
}
