package trainer

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/gpu/gputest"
	"medusa/internal/samplesets"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// colourful writes folders of noise in colour.
func colourful(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, samplesets.Photos(dir))
	return dir
}

// The device makes the host's batches, to the bit.
func TestBatchesOnDevice(t *testing.T) {
	gputest.Prepare(t)
	grey, colour := pictures(t), colourful(t)
	all := datasets.Augment{
		RandomCrop: 2, ResizedCropMin: 0.3, FlipH: 0.5, FlipV: 0.3, Rotation: 40, Brightness: 0.5, Contrast: 0.6, Erase: 0.5,
	}
	bent := all
	bent.Elastic, bent.ElasticCells = 0.2, 7
	for name, data := range map[string]DataConfig{
		"plain":      {Path: grey},
		"crop":       {Path: grey, Augment: datasets.Augment{RandomCrop: 3}},
		"flips":      {Path: grey, Augment: datasets.Augment{FlipH: 0.5, FlipV: 0.5, RandomCrop: 1}},
		"rotation":   {Path: grey, Augment: datasets.Augment{Rotation: 180, Erase: 1}},
		"brightness": {Path: grey, Augment: datasets.Augment{Brightness: 1}},
		"contrast":   {Path: grey, Augment: datasets.Augment{Contrast: 1}},
		"elastic":    {Path: grey, Augment: datasets.Augment{Elastic: 0.3}},
		"all":        {Path: grey, Augment: all},
		"colour":     {Path: colour, Height: 9, Width: 11, Augment: all},
		"bent":       {Path: colour, Height: 9, Width: 11, Detail: 1.7, Augment: bent},
		"detail":     {Path: colour, Height: 9, Width: 11, Detail: 1.7, Augment: all},
		"same":       {Path: colour, Height: 9, Width: 11, Detail: 1, Augment: datasets.Augment{FlipH: 0.5, RandomCrop: 1}},
		"file":       {Path: colour, Height: 9, Width: 11, Detail: 1.7, CacheBytes: 1, Augment: all},
	} {
		t.Run(name, func(t *testing.T) {
			data.Val, data.Test = "none", "none"
			cfg := Config{Data: data, Net: nets.Config{Backbone: "mlp", Hidden: []int{2}, Embedding: 2}, Sampler: samplers.Config{P: 4, K: 2}, Steps: 1, Device: "cuda"}
			loaded, err := Load(cfg.Data, 3, LoadOptions{})
			require.NoError(t, err)
			defer loaded.Close()
			tr, err := New(cfg, loaded, Options{Dir: filepath.Join(t.TempDir(), "run")})
			require.NoError(t, err)
			defer tr.Close()
			require.NotNil(t, tr.batches.onDevice)
			loader := func(recipes bool) *datasets.Loader {
				rng := rand.New(rand.NewPCG(1, 1))
				l, err := datasets.NewLoader(loaded.Train, datasets.LoaderConfig{
					Normalisation: loaded.Norm, Augment: data.Augment, Seed: 7, Batch: 8, Recipes: recipes,
				}, func(dst []int) error {
					for i := range dst {
						dst[i] = rng.IntN(loaded.Train.Len())
					}
					return nil
				}, 0)
				require.NoError(t, err)
				t.Cleanup(func() { l.Close() })
				return l
			}
			ours, theirs := loader(true), loader(false)
			for step := range 12 {
				want, err := theirs.Next(context.Background())
				require.NoError(t, err)
				got, err := ours.Next(context.Background())
				require.NoError(t, err)
				require.NoError(t, tr.batches.feed(got, tr.train, tr.device))
				require.NoError(t, tr.device.Read(tr.train.x))
				for i, v := range want.Pixels {
					require.Equal(t, math.Float32bits(v), math.Float32bits(tr.train.x[i]), "step %d, value %d: %v and %v", step, i, v, tr.train.x[i])
				}
				want.Release()
				got.Release()
			}
		})
	}
}

// Pictures that take too much of the device's memory stay on the host, which says so, and the
// run is the same.
func TestBatchesByTheHostOnDevice(t *testing.T) {
	fake := gputest.Prepare(t)
	if fake == nil {
		t.Skip("the fake device only has so little memory")
	}
	cfg := small(pictures(t))
	cfg.Steps, cfg.EvalEvery, cfg.Device, cfg.Loss, cfg.LogEvery, cfg.Metric = 12, -1, "cuda", "triplet", 100, ""
	cfg.Net = nets.Config{Backbone: "mlp", Hidden: []int{2}, Embedding: 2}
	cfg.Data.Height, cfg.Data.Width, cfg.Data.Val, cfg.Data.Test = 96, 96, "none", "none"
	cfg.Schedule = optim.ScheduleConfig{}
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	run := func() (model []byte, told []string) {
		dir := filepath.Join(t.TempDir(), "run")
		tr, err := New(cfg, data, Options{Dir: dir, Notice: func(m string) { told = append(told, m) }})
		require.NoError(t, err)
		_, err = tr.Run(context.Background())
		require.NoError(t, err)
		require.NoError(t, tr.Close())
		return weightsOf(t, dir), told
	}
	want, told := run()
	require.Empty(t, told)
	fake.Set("memory", 36<<20) // of which cuBLAS takes 32
	got, told := run()
	require.Len(t, told, 1)
	require.Contains(t, told[0], "the host makes the batches: ")
	require.Equal(t, want, got)
}
