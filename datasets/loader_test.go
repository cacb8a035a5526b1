package datasets

import (
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
)

// cycle is a sampler whose state can be saved: it deals indices by a generator.
type cycle struct {
	n     int
	calls uint64
}

func (c *cycle) next(dst []int) error {
	rng := rand.New(rand.NewPCG(9, c.calls))
	for i := range dst {
		dst[i] = rng.IntN(c.n)
	}
	c.calls++
	return nil
}

func (c *cycle) state() []byte { return binary.BigEndian.AppendUint64(nil, c.calls) }

// full is an augmentation in which everything is drawn.
var full = Augment{RandomCrop: 2, ResizedCropMin: 0.5, FlipH: 0.5, FlipV: 0.5, Rotation: 15, Brightness: 0.2, Contrast: 0.2, Erase: 0.5}

// copied is a batch that outlives its Release.
type copied struct {
	step    int
	indices []int
	classes []int
	labels  []float32
	pixels  []float32
	state   []byte
}

// read takes n batches from a loader over d.
func read(t *testing.T, d *Dataset, c LoaderConfig, s *cycle, start, n int) []copied {
	t.Helper()
	c.State = s.state
	l, err := NewLoader(d, c, s.next, start)
	require.NoError(t, err)
	defer l.Close()
	var out []copied
	for range n {
		b, err := l.Next(context.Background())
		require.NoError(t, err)
		out = append(out, copied{b.Step, slices.Clone(b.Indices), slices.Clone(b.Classes), slices.Clone(b.Labels), slices.Clone(b.Pixels), b.SamplerState})
		b.Release()
	}
	return out
}

func TestLoaderDoesNotDependOnWorkers(t *testing.T) {
	d := noisy(50, 3, 9, 7)
	conf := LoaderConfig{Batch: 13, Augment: full, Seed: 5, Workers: 1, Ahead: 1}
	want := read(t, d, conf, &cycle{n: 50}, 0, 20)
	for _, c := range [][2]int{{2, 1}, {3, 4}, {7, 2}, {20, 9}} {
		conf.Workers, conf.Ahead = c[0], c[1]
		require.Equal(t, want, read(t, d, conf, &cycle{n: 50}, 0, 20), "%d workers, %d ahead", c[0], c[1])
	}
}

func TestLoaderBatches(t *testing.T) {
	d := noisy(50, 1, 6, 5)
	norm := Normalisation{Mean: []float32{0.5}, Std: []float32{0.25}}
	for i, b := range read(t, d, LoaderConfig{Batch: 8, Normalisation: norm}, &cycle{n: 50}, 100, 10) {
		require.Equal(t, 100+i, b.step)
		want := make([]float32, 8*30)
		require.NoError(t, d.Fill(want, b.indices, norm))
		require.Equal(t, want, b.pixels)
		for j, item := range b.indices {
			require.Equal(t, d.Labels()[item], b.classes[j])
			require.Equal(t, float32(d.Labels()[item]), b.labels[j])
		}
		// Though the loader runs ahead, the state is that of this very step.
		require.Equal(t, uint64(i+1), binary.BigEndian.Uint64(b.state))
	}
}

func TestLoaderResumes(t *testing.T) {
	d := noisy(50, 1, 9, 9)
	conf := LoaderConfig{Batch: 8, Augment: full, Seed: 5}
	unbroken := read(t, d, conf, &cycle{n: 50}, 0, 12)
	saved := unbroken[4].state
	resumed := read(t, d, conf, &cycle{n: 50, calls: binary.BigEndian.Uint64(saved)}, 5, 7)
	require.Equal(t, unbroken[5:], resumed)
}

func TestLoaderFromCacheFile(t *testing.T) {
	conf := LoaderConfig{Batch: 6, Augment: full, Workers: 3}
	memory := toy(t, 3, 4, Options{})
	disk := toy(t, 3, 4, Options{CacheBytes: 1, CacheDir: t.TempDir()})
	defer disk.Close()
	require.True(t, disk.Summary().OnDisk)
	require.False(t, memory.Summary().OnDisk)
	require.Equal(t, read(t, memory, conf, &cycle{n: 12}, 0, 9), read(t, disk, conf, &cycle{n: 12}, 0, 9))
	want, got := make([]float32, 12*20), make([]float32, 12*20)
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	require.NoError(t, memory.Fill(want, all, Normalisation{}))
	require.NoError(t, disk.Fill(got, all, Normalisation{}))
	require.Equal(t, want, got)
	wantNorm, err := memory.ComputeNormalisation()
	require.NoError(t, err)
	gotNorm, err := disk.ComputeNormalisation()
	require.NoError(t, err)
	require.Equal(t, wantNorm, gotNorm)
}

func TestLoaderReadError(t *testing.T) {
	d := toy(t, 3, 4, Options{CacheBytes: 1, CacheDir: t.TempDir()})
	require.NoError(t, d.Close())
	l, err := NewLoader(d, LoaderConfig{Batch: 5, Workers: 3}, (&cycle{n: 12}).next, 7)
	require.NoError(t, err)
	defer l.Close()
	_, err = l.Next(context.Background())
	require.ErrorContains(t, err, "batch of step 7: datasets: cache file, picture c")
}

func TestLoaderEndsWithItsSource(t *testing.T) {
	d := noisy(10, 1, 3, 3)
	s := &cycle{n: 10}
	l, err := NewLoader(d, LoaderConfig{Batch: 4}, func(dst []int) error {
		if s.calls == 3 {
			return io.EOF
		}
		return s.next(dst)
	}, 0)
	require.NoError(t, err)
	defer l.Close()
	for range 3 {
		b, err := l.Next(context.Background())
		require.NoError(t, err)
		b.Release()
	}
	for range 2 {
		_, err = l.Next(context.Background())
		require.Equal(t, io.EOF, err)
	}
}

func TestLoaderRefusesWrongIndex(t *testing.T) {
	d := noisy(10, 1, 3, 3)
	l, err := NewLoader(d, LoaderConfig{Batch: 2}, func(dst []int) error { dst[0], dst[1] = 1, 10; return nil }, 6)
	require.NoError(t, err)
	defer l.Close()
	_, err = l.Next(context.Background())
	require.EqualError(t, err, "batch of step 6: datasets: picture 10 asked for, the set has 10")
}

func TestLoaderConfigErrors(t *testing.T) {
	d := noisy(10, 1, 3, 3)
	next := (&cycle{n: 10}).next
	for want, c := range map[string]LoaderConfig{
		"batch is 0":                {},
		"-1 workers":                {Batch: 1, Workers: -1},
		"Augment.FlipH is 2":        {Batch: 1, Augment: Augment{FlipH: 2}},
		"1 means and 0 deviations":  {Batch: 1, Normalisation: Normalisation{Mean: []float32{1}}},
		"deviation of channel 0 is": {Batch: 1, Normalisation: Normalisation{Mean: []float32{1}, Std: []float32{0}}},
	} {
		_, err := NewLoader(d, c, next, 0)
		require.ErrorContains(t, err, want)
	}
	_, err := NewLoader(&Dataset{}, LoaderConfig{Batch: 1}, next, 0)
	require.ErrorContains(t, err, "empty set")
	_, err = NewLoader(d, LoaderConfig{Batch: 1}, nil, 0)
	require.ErrorContains(t, err, "source of indices")
}

// A context that ends loses no batch.
func TestLoaderContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := noisy(10, 1, 3, 3)
		s := &cycle{n: 10}
		gate := make(chan struct{})
		l, err := NewLoader(d, LoaderConfig{Batch: 2}, func(dst []int) error { <-gate; return s.next(dst) }, 0)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err = l.Next(ctx)
		require.True(t, errors.Is(err, context.DeadlineExceeded), "%v", err)
		require.Equal(t, 10*time.Millisecond, l.Waited())
		close(gate)
		for step := range 5 {
			b, err := l.Next(t.Context())
			require.NoError(t, err)
			require.Equal(t, step, b.Step)
			b.Release()
		}
		l.Close()
	})
}

// The bubble of the test ends when all goroutines in it have ended.
func TestLoaderCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := noisy(10, 1, 3, 3)
		l, err := NewLoader(d, LoaderConfig{Batch: 2, Workers: 3}, (&cycle{n: 10}).next, 0)
		require.NoError(t, err)
		b, err := l.Next(t.Context())
		require.NoError(t, err)
		l.Close()
		l.Close()
		b.Release()
		b.Release()
		_, err = l.Next(t.Context())
		require.ErrorContains(t, err, "closed")
	})
}

// A batch released twice must not be filled for two steps at once.
func TestReleaseTwice(t *testing.T) {
	d := noisy(10, 1, 3, 3)
	l, err := NewLoader(d, LoaderConfig{Batch: 2, Ahead: 1}, (&cycle{n: 10}).next, 0)
	require.NoError(t, err)
	defer l.Close()
	for step := range 20 {
		b, err := l.Next(context.Background())
		require.NoError(t, err)
		require.Equal(t, step, b.Step)
		b.Release()
		b.Release()
	}
}

func TestLoaderDoesNotAllocate(t *testing.T) {
	d := noisy(50, 3, 16, 16)
	i := 0
	l, err := NewLoader(d, LoaderConfig{Batch: 16, Augment: full}, func(dst []int) error {
		for j := range dst {
			dst[j] = i % 50
			i++
		}
		return nil
	}, 0)
	require.NoError(t, err)
	defer l.Close()
	ctx := context.Background()
	step := func() {
		b, err := l.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	for range 20 {
		step()
	}
	require.Less(t, testing.AllocsPerRun(200, step), 1.)
}

// A consumer slower than the loader waits for nothing after the first batch; a
// consumer that does nothing only waits.
func TestWaitShare(t *testing.T) {
	const each = 5 * time.Millisecond
	for name, c := range map[string]struct {
		consumer time.Duration
		waited   time.Duration // in twenty batches
		share    float64
	}{
		"only waits":           {0, 20 * each, 1},
		"as long as it works":  {each / 2, 20*each - 19*each/2, 0.5},
		"waits for the first":  {2 * each, each, 0},
		"the loader is ahead":  {10 * each, each, 0},
		"nearly all the while": {each / 5, 20*each - 19*each/5, 0.8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := noisy(50, 1, 8, 8)
				s := &cycle{n: 50}
				l, err := NewLoader(d, LoaderConfig{Batch: 4}, func(dst []int) error { time.Sleep(each); return s.next(dst) }, 0)
				require.NoError(t, err)
				defer l.Close()
				require.Zero(t, l.WaitShare())
				for i := range 20 {
					if i > 0 {
						time.Sleep(c.consumer)
						synctest.Wait() // what could be ready is
					}
					b, err := l.Next(t.Context())
					require.NoError(t, err)
					b.Release()
				}
				require.Equal(t, c.waited, l.Waited())
				require.InDelta(t, c.share, l.WaitShare(), 1e-9)
			})
		})
	}
}

func BenchmarkLoader(b *testing.B) {
	for _, size := range []struct {
		name    string
		c, h, w int
	}{{"28x28x1", 1, 28, 28}, {"64x64x3", 3, 64, 64}} {
		d := noisy(5000, size.c, size.h, size.w)
		for name, a := range map[string]Augment{"plain": {}, "crop+rotate": {RandomCrop: 2, Rotation: 10}} {
			for what, recipes := range map[string]bool{"pixels": false, "recipes": true} {
				b.Run(size.name+"/"+name+"/"+what, func(b *testing.B) {
					s := &cycle{n: 5000}
					l, err := NewLoader(d, LoaderConfig{Batch: 64, Augment: a, Recipes: recipes}, s.next, 0)
					require.NoError(b, err)
					defer l.Close()
					b.ReportAllocs()
					for b.Loop() {
						batch, err := l.Next(context.Background())
						if err != nil {
							b.Fatal(err)
						}
						batch.Release()
					}
					b.ReportMetric(64*float64(b.N)/b.Elapsed().Seconds(), "images/s")
				})
			}
		}
	}
}

func BenchmarkFill(b *testing.B) {
	d := noisy(5000, 1, 28, 28)
	indices := rand.New(rand.NewPCG(1, 1)).Perm(5000)
	dst := make([]float32, 5000*28*28)
	for b.Loop() {
		if err := d.Fill(dst, indices, Normalisation{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(5000*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
