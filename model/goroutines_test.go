package model_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/model"
	"medusa/nets"
)

// side is that of smallNet's pictures.
const side = 8

// smallNet is an untrained model of colour pictures, with convolutions, batch norm and dropout.
func smallNet(t *testing.T) *model.Model {
	return untrained(t, model.Info{
		Net:    nets.Config{Channels: []int{4, 8}, Embedding: 8, Dropout: 0.2, Head: "flatten", InChannels: 3, Height: side, Width: side},
		Resize: datasets.Squeeze,
	})
}

// Fifty goroutines share one Model, with requests of all sizes, below and above a batch: each
// gets the bits that it gets alone.
func TestModelOfManyGoroutines(t *testing.T) {
	m := smallNet(t)
	ctx := context.Background()
	set, err := datasets.OpenUnlabelled(colourful(t), m.Options())
	require.NoError(t, err)
	defer set.Close()
	whole, err := m.Embed(ctx, set)
	require.NoError(t, err)

	rng := rand.New(rand.NewPCG(5, 6))
	type request struct{ pixels, want []float32 }
	requests := make([]request, 50)
	for i := range requests {
		n := 1 + rng.IntN(5)
		if i%10 == 0 {
			n = model.Batch + rng.IntN(model.Batch)
		}
		pixels := make([]float32, n*3*side*side)
		for j := range pixels {
			pixels[j] = float32(rng.NormFloat64())
		}
		want, err := m.EmbedPixels(ctx, pixels)
		require.NoError(t, err)
		requests[i] = request{pixels, want}
	}
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() {
			for range 5 {
				got, err := m.EmbedPixels(ctx, r.pixels)
				assert.NoError(t, err)
				assert.True(t, slices.Equal(r.want, got), "request %d", i)
			}
			if i%10 == 0 {
				got, err := m.Embed(ctx, set)
				assert.NoError(t, err)
				assert.True(t, slices.Equal(whole, got), "data set of request %d", i)
			}
		})
	}
	wg.Wait()
	require.NoError(t, m.Close())
}

// Who waits for a turn stops waiting when its context ends, and Close lets nobody find half
// a model.
func TestModelIsClosedWhileOthersUseIt(t *testing.T) {
	m := smallNet(t)
	pixels := make([]float32, 3*3*side*side)
	want, err := m.EmbedPixels(context.Background(), pixels)
	require.NoError(t, err)

	giveBack := m.TakeTurn()
	ctx, cancel := context.WithCancel(context.Background())
	waiting := make(chan error)
	go func() {
		_, err := m.EmbedPixels(ctx, pixels)
		waiting <- err
	}()
	cancel()
	err = <-waiting
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "embedding stopped at picture 0 of 3")
	giveBack()

	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if i == 10 {
				assert.NoError(t, m.Close())
			}
			got, err := m.EmbedPixels(context.Background(), pixels)
			if err != nil {
				assert.ErrorIs(t, err, model.ErrClosed)
				return
			}
			assert.Equal(t, want, got)
		})
	}
	wg.Wait()
	_, err = m.EmbedPixels(context.Background(), pixels)
	require.ErrorIs(t, err, model.ErrClosed)
	require.NoError(t, m.Close(), "twice")
}

// A model says how pictures are read for it; those of before there was a choice of range read all
// values in full.
func TestOptions(t *testing.T) {
	m := smallNet(t)
	require.Equal(t, datasets.Options{Channels: 3, Height: side, Width: side, Resize: datasets.Squeeze, Range: datasets.RangeFull}, m.Options())
	info := m.Info()
	info.Range, info.Invert = "0/4095,auto", true
	ranged := untrained(t, info)
	require.Equal(t, "0/4095,auto", ranged.Options().Range)
	require.True(t, ranged.Options().Invert)
	require.Equal(t, datasets.Options{}, vectorModel(t).Options())
}
