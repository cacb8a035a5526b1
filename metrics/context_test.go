package metrics

import (
	"context"
	"sync/atomic"
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

// ending is a context that ends after it was asked so many times.
type ending struct {
	context.Context
	left atomic.Int64
}

func (e *ending) Err() error {
	if e.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// Verify also ends with its context while it draws classes.
func TestResamplingIsStopped(t *testing.T) {
	s := clouds(5, 44, 4, 7)
	for _, asked := range []int64{1_000, 2_000} {
		ctx := &ending{Context: context.Background()}
		ctx.left.Store(asked)
		_, err := Verify(ctx, s, VerifyOptions{Resamples: 1_000_000})
		require.ErrorIs(t, err, context.Canceled)
	}
}
