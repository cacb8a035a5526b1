package push_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/index"
	"medusa/metrics"
	"medusa/push"
	"medusa/push/internal/pushtest"
)

// memory is a store in a map, which fails where fail is set.
type memory struct {
	records map[string]string // digests by IDs
	batches []int
	fail    error
	ended   bool
}

func (m *memory) Begin(context.Context, push.Header) (push.Mark, []string, error) {
	if m.records == nil {
		m.records = map[string]string{}
	}
	return push.Mark{}, nil, nil
}

func (m *memory) Put(_ context.Context, records []push.Record, to push.Mark) (push.Mark, error) {
	if m.fail != nil && len(m.batches) == 2 {
		return to, m.fail
	}
	m.batches = append(m.batches, len(records))
	for i := range records {
		before, ok := m.records[records[i].ID]
		now := string(records[i].Digest())
		switch {
		case !ok:
			to.New++
		case before != now:
			to.Changed++
		default:
			to.Unchanged++
		}
		m.records[records[i].ID] = now
	}
	return to, nil
}

func (m *memory) Retain(_ context.Context, has func(string) bool) (removed int, err error) {
	for id := range m.records {
		if !has(id) {
			delete(m.records, id)
			removed++
		}
	}
	return removed, nil
}

func (m *memory) End(context.Context) error { m.ended = true; return nil }
func (m *memory) Search(string) string      { return "" }
func (m *memory) Close() error              { return nil }

func TestRun(t *testing.T) {
	g := pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(25, 4))
	m, steps := &memory{records: map[string]string{"gone": ""}}, []string{}
	out, err := push.Run(context.Background(), g, m, push.Options{Batch: 10, Delete: true}, push.Watch{
		Began:    func(push.Outcome) { steps = append(steps, "began") },
		Progress: func(done, total int) { steps = append(steps, fmt.Sprint(done, "/", total)) },
		Ending:   func() { steps = append(steps, "ending") },
		Ended:    func() { steps = append(steps, "ended") },
	})
	require.NoError(t, err)
	assert.Equal(t, push.Outcome{Mark: push.Mark{Done: 25, New: 25}, Removed: 1}, out)
	assert.Equal(t, []int{10, 10, 5}, m.batches)
	assert.Equal(t, "began 10/25 20/25 25/25 ending ended", strings.Join(steps, " "))
	assert.True(t, m.ended)
}

func TestRunThatFails(t *testing.T) {
	g := pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(25, 4))
	broken := errors.New("the cable was pulled")
	m := &memory{fail: broken}
	out, err := push.Run(context.Background(), g, m, push.Options{Batch: 10}, push.Watch{})
	require.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "stopped with 20 of 25 records in the database, and the same command goes on from there: the cable was pulled")
	assert.Equal(t, 20, out.Done)
	assert.False(t, m.ended)
	_, err = push.Run(context.Background(), g, m, push.Options{Batch: -1}, push.Watch{})
	require.ErrorContains(t, err, "Batch is -1, want 1 or more")
	_, err = push.Run(nil, g, m, push.Options{}, push.Watch{}) //lint:ignore SA1012 a caller's mistake
	require.Error(t, err)
}

// slow is a store that needs its time for a batch, in the middle of which somebody stops the push.
type slow struct {
	memory
	needs time.Duration
	stop  context.CancelFunc
}

func (s *slow) Put(ctx context.Context, records []push.Record, to push.Mark) (push.Mark, error) {
	if len(s.batches) == 1 {
		s.stop()
		select {
		case <-ctx.Done():
			return to, ctx.Err()
		case <-time.After(s.needs):
		}
	}
	return s.memory.Put(ctx, records, to)
}

// What an error says is in the database is there, also when a push was stopped in the middle of a batch.
func TestStoppedWithinABatch(t *testing.T) {
	g := pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(25, 4))
	for needs, want := range map[time.Duration]int{9 * time.Second: 20, time.Hour: 10} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			s := &slow{needs: needs, stop: stop}
			began := time.Now()
			out, err := push.Run(ctx, g, s, push.Options{Batch: 10}, push.Watch{})
			require.ErrorIs(t, err, context.Canceled)
			assert.ErrorContains(t, err, fmt.Sprintf("stopped with %d of 25 records", want))
			assert.Equal(t, want, out.Done)
			assert.Len(t, s.records, want)
			assert.LessOrEqual(t, time.Since(began), 10*time.Second)
		})
	}
}

// Long vectors go in batches of fewer records: some MiB at a time.
func TestBatchesAreBoundedInBytes(t *testing.T) {
	g := pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(7, 1<<20))
	m := &memory{}
	_, err := push.Run(context.Background(), g, m, push.Options{}, push.Watch{})
	require.NoError(t, err)
	assert.Equal(t, []int{2, 2, 2, 1}, m.batches)
}

// An index into a store; that of push/postgres is a table.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "push")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	x, err := index.New(index.Options{Dim: 2, Model: "9f86d081"})
	if err != nil {
		log.Fatal(err)
	}
	if err := x.Add(ctx, index.Item{ID: 7, Vector: []float32{1, 2}}, index.Item{ID: 9, Vector: []float32{3, 4}}); err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(dir, "gallery.index")
	if err := x.Save(ctx, path); err != nil {
		log.Fatal(err)
	}

	g, err := push.Open(path, push.GalleryOptions{Model: "9f86d081"})
	if err != nil {
		log.Fatal(err)
	}
	store := &memory{} // or postgres.Connect(ctx, "postgres://localhost/photos", push.Options{})
	for range 2 {
		out, err := push.Run(ctx, g, store, push.Options{Delete: true}, push.Watch{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(out.New, "new,", out.Changed, "changed,", out.Unchanged, "unchanged,", out.Removed, "removed")
	}
	// Output:
	// 2 new, 0 changed, 0 unchanged, 0 removed
	// 0 new, 0 changed, 2 unchanged, 0 removed
}
