package model

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/nets"
)

// ages is longer than any test takes.
const ages = time.Hour

// tiny is a network of a batch of four, and what it makes of some pictures.
func tiny(t *testing.T) (e *Embedder, pixels func(i int) []float32, want func(i int) []float32) {
	t.Helper()
	e, err := NewEmbedder(nets.Config{Backbone: "mlp", Hidden: []int{7}, Embedding: 3, InChannels: 1, Height: 2, Width: 2}, graph.NewParams(3), 4, nil, Views{})
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	x := make([]float32, 64*e.in)
	for i := range x {
		x[i] = float32(math.Sin(float64(i) * 0.37))
	}
	all, err := e.Pixels(context.Background(), x)
	require.NoError(t, err)
	return e, func(i int) []float32 { return x[i*e.in : (i+1)*e.in] }, func(i int) []float32 { return all[i*e.size : (i+1)*e.size] }
}

// Pictures wait for others until a batch is full, and not longer.
func TestFullBatchWaitsForNobody(t *testing.T) {
	e, pixels, want := tiny(t)
	e.wait = ages
	before := e.counts.now().Count
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			x, err := e.Pixels(context.Background(), pixels(i))
			assert.NoError(t, err)
			assert.Equal(t, want(i), x)
		})
	}
	wg.Wait()
	require.EqualValues(t, 2, e.counts.now().Count-before)
}

// A picture that nobody joins is embedded when it has waited long enough; without a wait at once.
func TestPictureWaitsNoLonger(t *testing.T) {
	e, pixels, want := tiny(t)
	for _, wait := range []time.Duration{0, 20 * time.Millisecond} {
		e.wait = wait
		began := time.Now()
		x, err := e.Pixels(context.Background(), pixels(5))
		require.NoError(t, err)
		require.Equal(t, want(5), x)
		require.GreaterOrEqual(t, time.Since(began), wait)
	}
}

// While one batch is made, what comes meanwhile is joined to the next, without any wait.
func TestWhatComesMeanwhileIsJoined(t *testing.T) {
	e, pixels, want := tiny(t)
	e.queue.turn <- struct{}{} // somebody makes a batch
	before := e.counts.now().Count
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			x, err := e.Pixels(context.Background(), pixels(i))
			assert.NoError(t, err)
			assert.Equal(t, want(i), x)
		})
	}
	for waiting(e) < 3 {
		time.Sleep(time.Millisecond)
	}
	<-e.queue.turn
	wg.Wait()
	require.EqualValues(t, 1, e.counts.now().Count-before)
}

func waiting(e *Embedder) int {
	e.queue.mu.Lock()
	defer e.queue.mu.Unlock()
	return e.queue.pictures
}

// Who gives up while he waits for others leaves them as they are, also where he had the turn, and a full
// batch of the others is made.
func TestOneGivesUpAndOthersDoNot(t *testing.T) {
	e, pixels, want := tiny(t)
	e.wait = ages
	ctx, cancel := context.WithCancel(context.Background())
	gaveUp := make(chan error)
	go func() {
		_, err := e.Pixels(ctx, pixels(0))
		gaveUp <- err
	}()
	for waiting(e) < 1 {
		time.Sleep(time.Millisecond)
	}
	var wg sync.WaitGroup
	join := func(i int) {
		wg.Go(func() {
			x, err := e.Pixels(context.Background(), pixels(i))
			assert.NoError(t, err)
			assert.Equal(t, want(i), x)
		})
	}
	join(1)
	join(2)
	for waiting(e) < 3 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	require.ErrorIs(t, <-gaveUp, context.Canceled)
	require.Equal(t, 2, waiting(e))
	join(3)
	join(4)
	wg.Wait()
	require.Zero(t, waiting(e))
}

// A request of which a part is in a batch is not given back before that batch is made: its memory is read.
func TestHalfBegunRequestIsAwaited(t *testing.T) {
	q := newQueue()
	r := &request{pictures: 3, ended: make(chan struct{})}
	q.add(r, 4)
	other := &request{pictures: 2, ended: make(chan struct{})}
	q.add(other, 4)
	shares := q.take(2)
	require.Equal(t, []share{{r, 0, 2}}, shares)
	q.withdraw(r)
	require.False(t, r.hasEnded())
	require.Equal(t, 2, q.pictures)
	q.finish(shares, nil)
	require.True(t, r.hasEnded())
	require.Equal(t, []share{{other, 0, 2}}, q.take(4))
	require.Empty(t, q.take(4))
	q.withdraw(r) // again
}

// An error of a batch is that of all who have a share in it, and the rest of theirs is not begun.
func TestErrorOfABatch(t *testing.T) {
	q := newQueue()
	a, b := &request{pictures: 1, ended: make(chan struct{})}, &request{pictures: 5, ended: make(chan struct{})}
	q.add(a, 4)
	q.add(b, 4)
	q.finish(q.take(4), ErrClosed)
	for _, r := range []*request{a, b} {
		require.True(t, r.hasEnded())
		require.Equal(t, ErrClosed, r.err)
	}
	require.Zero(t, q.pictures)
	require.Empty(t, q.take(4))
}

func TestSplit(t *testing.T) {
	a, b := &request{}, &request{}
	for n, want := range map[int][2][]share{
		1: {{{a, 4, 1}}, {{a, 5, 1}, {b, 0, 3}}},
		2: {{{a, 4, 2}}, {{b, 0, 3}}},
		4: {{{a, 4, 2}, {b, 0, 2}}, {{b, 2, 1}}},
		5: {{{a, 4, 2}, {b, 0, 3}}, nil},
	} {
		first, rest := split([]share{{a, 4, 2}, {b, 0, 3}}, n)
		require.Equal(t, want[0], first)
		require.ElementsMatch(t, want[1], rest)
	}
}
