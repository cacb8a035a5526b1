package metrics

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// clustered is n unit rows around one centre a class, as a trained net's embeddings are.
func clustered(seed uint64, n, dim, classes int, spread float64) Set {
	rng := rand.New(rand.NewPCG(seed, 0))
	centre := func(class int) *rand.Rand { return rand.New(rand.NewPCG(uint64(class), 1)) }
	s := Set{Dim: dim, Embeddings: make([]float32, n*dim), Labels: make([]int, n)}
	row := make([]float64, dim)
	for i := range n {
		s.Labels[i] = i % classes
		c := centre(i % classes)
		norm := 0.0
		for j := range row {
			row[j] = c.NormFloat64() + spread*rng.NormFloat64()
			norm += row[j] * row[j]
		}
		for j, v := range row {
			s.Embeddings[i*dim+j] = float32(v / math.Sqrt(norm))
		}
	}
	return s
}

// BenchmarkRecallAt1 is 10,000 queries against 60,000 rows of ten classes, D = 64.
func BenchmarkRecallAt1(b *testing.B) {
	query, gallery := clustered(1, 10_000, 64, 10, 1), clustered(2, 60_000, 64, 10, 1)
	for b.Loop() {
		_, err := Recall(context.Background(), query, &gallery, []int{1}, SearchOptions{})
		require.NoError(b, err)
	}
}

// Omniglot's evaluation part: 13,180 pictures of 659 classes, D = 64.
func omniglotLike() Set { return clustered(1, 13_180, 64, 659, 1) }

func BenchmarkEvaluateSelf(b *testing.B) {
	s := omniglotLike()
	for b.Loop() {
		_, err := Evaluate(context.Background(), s, nil, Options{NoClustering: true})
		require.NoError(b, err)
	}
}

func BenchmarkSearchSelf(b *testing.B) {
	s := omniglotLike()
	for b.Loop() {
		_, err := Search(context.Background(), s, nil, SearchOptions{K: 10})
		require.NoError(b, err)
	}
}

func BenchmarkKMeans(b *testing.B) {
	s := omniglotLike()
	for b.Loop() {
		c, err := KMeans(context.Background(), s, KMeansOptions{Clusters: 659})
		require.NoError(b, err)
		b.ReportMetric(float64(c.Iterations), "iterations")
	}
}

func BenchmarkAMI(b *testing.B) {
	s := omniglotLike()
	clusters := make([]int, s.Len())
	rng := rand.New(rand.NewPCG(1, 0))
	for i := range clusters {
		clusters[i] = rng.IntN(659)
	}
	for b.Loop() {
		t, err := NewContingency(s.Labels, clusters)
		require.NoError(b, err)
		t.AMI()
	}
}

func BenchmarkVerify(b *testing.B) {
	s := omniglotLike()
	for b.Loop() {
		_, err := Verify(context.Background(), s, VerifyOptions{})
		require.NoError(b, err)
	}
}
