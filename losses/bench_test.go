package losses_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
)

// BenchmarkLoss times value and gradient to the embeddings, of size 64 in float32, in
// batches of 4 a class.
func BenchmarkLoss(b *testing.B) {
	const e = 64
	for _, text := range []string{
		"contrastive", "triplet", "triplet:mining=all", "triplet:mining=semi-hard", "triplet:mining=all,soft=true",
		"triplet:mining=all,swap=true", "lifted", "lifted:form=generalized", "lifted:hard-negatives=8", "multi-similarity", "ce", "ce+triplet",
	} {
		for _, n := range []int{64, 256, 1024} {
			b.Run(fmt.Sprintf("%s/N=%d", text, n), func(b *testing.B) {
				l, err := losses.Parse(text, losses.Setting{Classes: n / 4, EmbeddingSize: e})
				require.NoError(b, err)
				eval, err := losses.NewEvaluator(l, n, e, tensor.Float32)
				require.NoError(b, err)
				defer eval.Close()
				rng := rand.New(rand.NewPCG(1, 1))
				x, y := make([]float64, n*e), make([]int, n)
				for i := range x {
					x[i] = rng.NormFloat64()
				}
				for i := range y {
					y[i] = i / 4
				}
				b.ReportAllocs()
				for b.Loop() {
					_, err := eval.Value(x, y)
					require.NoError(b, err)
				}
			})
		}
	}
}
