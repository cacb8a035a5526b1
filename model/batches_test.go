package model

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBatchCounts(t *testing.T) {
	var c batchCounts
	for _, pictures := range []int{1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 64} {
		c.add(pictures, time.Second)
	}
	require.Equal(t, Batches{Count: 11, Pictures: 162, Time: 11 * time.Second, Sizes: [7]int64{1, 1, 2, 2, 2, 1, 2}}, c.now())
}

// What is embedded is counted, a batch of the queue as one.
func TestModelCountsItsBatches(t *testing.T) {
	e, pixels, _ := tiny(t)
	m := &Model{net: e}
	before := m.Batches()
	_, err := m.EmbedPixels(context.Background(), append(append([]float32{}, pixels(1)...), pixels(2)...))
	require.NoError(t, err)
	after := m.Batches()
	require.EqualValues(t, 1, after.Count-before.Count)
	require.EqualValues(t, 2, after.Pictures-before.Pictures)
	require.EqualValues(t, 1, after.Sizes[1]-before.Sizes[1])
	require.Greater(t, after.Time, before.Time)
}
