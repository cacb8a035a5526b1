package samplers

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/exclusive"
)

// A sampler in use refuses another goroutine, and goes on as if it had not been asked.
func TestSamplerIsOneGoroutines(t *testing.T) {
	const busy = "the sampler is used by another goroutine at this moment"
	labels := labelsOf(1, 6, 6, 6, 6)
	for _, name := range Names() {
		c := sixOf(name)
		t.Run(name, func(t *testing.T) {
			s, err := Of(anyPictures(labels), c)
			require.NoError(t, err)
			same, err := Of(anyPictures(labels), c)
			require.NoError(t, err)
			var use *exclusive.Use
			switch s := s.(type) {
			case *PK:
				use = &s.use
			case *uniform:
				use = &s.use
			case *views:
				use = &s.uniform.use
			case *Hierarchical:
				use = &s.use
			case *FixedTriplets:
				use = &s.use
			case Observer:
				t.Skip("has a lock")
			}
			state, err := s.State()
			require.NoError(t, err)
			require.NoError(t, use.Begin(""))
			require.ErrorContains(t, s.Next(make([]int, 6)), busy)
			_, err = s.State()
			require.ErrorContains(t, err, busy)
			require.ErrorContains(t, s.Restore(state), busy)
			use.End()
			require.Equal(t, run(t, same, 5), run(t, s, 5))
		})
	}
}

// Whatever many goroutines do at once, every batch that is yielded keeps the promise, and as
// many batches were drawn as were yielded.
func TestSamplersOfManyGoroutines(t *testing.T) {
	labels := labelsOf(1, 8, 8, 8, 8, 8)
	for _, name := range []string{"pk", "pk-independent", "pk-weighted", "pk-hard"} {
		t.Run(name, func(t *testing.T) {
			s, err := New(labels, Config{Name: name, P: 3, K: 2})
			require.NoError(t, err)
			same, err := New(labels, Config{Name: name, P: 3, K: 2})
			require.NoError(t, err)
			var yielded atomic.Int64
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					dst := make([]int, 6)
					for range 20 {
						if s.Next(dst) != nil {
							continue
						}
						yielded.Add(1)
						of := map[int]int{}
						for _, i := range dst {
							of[labels[i]]++
						}
						assert.Len(t, of, 3)
					}
				})
			}
			wg.Wait()
			run(t, same, int(yielded.Load()))
			require.Equal(t, run(t, same, 3), run(t, s, 3))
		})
	}
}
