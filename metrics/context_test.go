package metrics

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A context that is nil is an error of whatever takes one.
func TestNilContext(t *testing.T) {
	var none context.Context
	s := Set{Embeddings: []float32{0, 1, 2, 3}, Dim: 1, Labels: []int{0, 0, 1, 1}}
	for name, f := range map[string]func() error{
		"Search":      func() error { _, err := Search(none, s, nil, SearchOptions{}); return err },
		"KMeans":      func() error { _, err := KMeans(none, s, KMeansOptions{}); return err },
		"Recall":      func() error { _, err := Recall(none, s, nil, []int{1}, SearchOptions{}); return err },
		"Evaluate":    func() error { _, err := Evaluate(none, s, nil, Options{}); return err },
		"Verify":      func() error { _, err := Verify(none, s, VerifyOptions{}); return err },
		"VerifyPairs": func() error { _, err := VerifyPairs(none, s, []Pair{{A: 0, B: 1}}, VerifyOptions{}); return err },
	} {
		require.EqualError(t, f(), "metrics: the context is nil; context.Background() is one that never ends", name)
	}
}
