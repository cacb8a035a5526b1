package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/nets"
	"medusa/samplers"
)

// waves are a researcher's own items: each class is a frequency, each item a phase. They
// know neither paths nor pictures.
type waves struct {
	first, classes int
	noise          float32
	bad            func(item int, dst []float32) error // nil if all is well
}

const (
	wavesEach   = 8
	wavesLength = 16
)

func (w *waves) Len() int { return w.classes * wavesEach }

func (w *waves) Labels() []int {
	labels := make([]int, w.Len())
	for i := range labels {
		labels[i] = i / wavesEach
	}
	return labels
}

func (w *waves) Classes() (names []string) {
	for c := range w.classes {
		names = append(names, fmt.Sprintf("wave %d", w.first+c))
	}
	return names
}

func (w *waves) Shape() (channels, height, width int) { return wavesLength, 1, 1 }

func (w *waves) Fill(dst []float32, items []int, norm datasets.Normalisation) error {
	for k, item := range items {
		one := dst[k*wavesLength : (k+1)*wavesLength]
		if w.bad != nil {
			if err := w.bad(item, one); err != nil {
				return err
			}
		}
		class := float64(w.first + item/wavesEach)
		for i := range one {
			one[i] = float32(math.Sin(float64(item)*0.7 + (0.3+0.2*class)*float64(i)))
		}
	}
	return nil
}

// noisyWaves look different each time.
type noisyWaves struct{ waves }

func (w *noisyWaves) Sample(dst []float32, item int, norm datasets.Normalisation, rng *rand.Rand) error {
	if err := w.Fill(dst, []int{item}, norm); err != nil {
		return err
	}
	for i := range dst {
		dst[i] += w.noise * float32(rng.NormFloat64())
	}
	return nil
}

func smallWaves() Config {
	return Config{
		Net: nets.Config{Embedding: 8, Hidden: []int{16}}, Loss: "triplet", Sampler: samplers.Config{P: 4, K: 3},
		Steps: 40, EvalEvery: 10, CheckpointEvery: 7, LogEvery: 3, Seed: 7, EvalBatch: 5, Keep: Last,
	}
}

func newWaves() Data {
	return Data{
		Train: &noisyWaves{waves{classes: 8, noise: 0.1}}, Val: &waves{first: 8, classes: 4}, Test: &waves{first: 12, classes: 4},
	}
}

func TestOwnSetIsLearnedResumedAndReported(t *testing.T) {
	dir := t.TempDir()
	var fitted []Fitted
	whole, err := New(smallWaves(), newWaves(), Options{Dir: filepath.Join(dir, "whole"), Hooks: []Hook{{
		Start: func(_ context.Context, i StartInfo) error { fitted = i.Fitted; return nil },
	}}})
	require.NoError(t, err)
	defer whole.Close()
	r, err := whole.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, "mlp", whole.Config().Net.Backbone)
	require.Contains(t, fitted, Fitted{"Net.Backbone", "mlp", "vectors have no rows and columns to convolve over"})
	require.Greater(t, r.After.MAPAtR, r.Before.MAPAtR)
	require.Contains(t, r.Protocol, "32 vectors of 4 test classes, none of which was seen")
	page, err := os.ReadFile(r.Report)
	require.NoError(t, err)
	require.Contains(t, string(page), "vectors of 16 numbers")
	require.Contains(t, string(page), "Vectors: the vectors themselves in place of embeddings")
	require.Equal(t, "vectors", r.Items)
	require.Contains(t, string(page), "noisyWaves")
	require.NotContains(t, string(page), "could not be drawn")
	file, err := safetensors.Open(r.Embeddings)
	require.NoError(t, err)
	var paths []string
	require.NoError(t, json.Unmarshal([]byte(file.Metadata["paths"]), &paths))
	require.Equal(t, "item 17", paths[17])

	ctx, cancel := context.WithCancel(context.Background())
	broken, err := New(smallWaves(), newWaves(), Options{Dir: filepath.Join(dir, "resumed"), Hooks: []Hook{{
		Step: func(_ context.Context, i StepInfo) error {
			if i.Step == 23 {
				cancel()
			}
			return nil
		},
	}}})
	require.NoError(t, err)
	_, err = broken.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, broken.Close())
	on, err := Resume(newWaves(), Options{Dir: filepath.Join(dir, "resumed")})
	require.NoError(t, err)
	defer on.Close()
	_, err = on.Run(context.Background())
	require.NoError(t, err)
	sameRun(t, string(whole.dir), string(on.dir))

	m, err := model.Load(r.Model, model.Options{})
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, datasets.Options{}, m.Options())
	want, err := on.Embed(context.Background(), newWaves().Test)
	require.NoError(t, err)
	got, err := m.Embed(context.Background(), newWaves().Test)
	require.NoError(t, err)
	require.Equal(t, want, got)

	less := newWaves()
	less.Train = &noisyWaves{waves{classes: 9}}
	_, err = Resume(less, Options{Dir: string(on.dir)})
	require.Error(t, err)
}

// Sets that are absent are absent, be they nil or nil pointers.
func TestOwnSetAlone(t *testing.T) {
	for name, d := range map[string]Data{
		"nil":            {Train: newWaves().Train},
		"nil pointers":   {Train: newWaves().Train, Val: (*waves)(nil), Test: (*datasets.Dataset)(nil)},
		"validated only": {Train: newWaves().Train, Val: newWaves().Val},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := smallWaves()
			cfg.Steps = 5
			tr, err := New(cfg, d, Options{Dir: filepath.Join(t.TempDir(), "run")})
			require.NoError(t, err)
			defer tr.Close()
			r, err := tr.Run(context.Background())
			require.NoError(t, err)
			require.Equal(t, name == "validated only", r.After != nil)
			require.FileExists(t, r.Model)
			require.Empty(t, d.Notes())
			require.Empty(t, d.SeenInTraining())
			require.NoError(t, d.Close())
		})
	}
	for _, none := range []datasets.Set{nil, (*waves)(nil), (*datasets.Dataset)(nil)} {
		_, err := New(smallWaves(), Data{Train: none}, Options{Dir: filepath.Join(t.TempDir(), "run")})
		require.ErrorIs(t, err, errNothingToLearn)
		_, _, err = smallWaves().Fit(Data{Train: none}, nil)
		require.ErrorIs(t, err, errNothingToLearn)
	}
	tr, err := New(smallWaves(), newWaves(), Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.NoError(t, err)
	defer tr.Close()
	_, err = tr.Embed(context.Background(), (*waves)(nil))
	require.ErrorContains(t, err, "no set to embed")
	_, err = tr.Embed(context.Background(), odd{})
	require.ErrorContains(t, err, "want 1 or more of each")
	_, err = tr.Evaluate(context.Background(), odd{shape: [3]int{wavesLength, 1, 1}})
	require.ErrorContains(t, err, "trainer.odd panicked")
}

// What goes wrong in somebody's own code is told with the step and the item.
func TestOwnSetThatFails(t *testing.T) {
	var begun atomic.Bool // what fails at once is told by New
	lost := func(item int, _ []float32) error {
		if item == 17 && begun.Load() {
			return errors.New("lost")
		}
		return nil
	}
	panics := func(item int, dst []float32) error {
		if item == 17 && begun.Load() {
			dst[wavesLength] = 1
		}
		return nil
	}
	for name, c := range map[string]struct {
		change func(d *Data)
		want   []string
	}{
		"learned, an error":  {func(d *Data) { d.Train.(*noisyWaves).bad = lost }, []string{"batch of step", "item 17: lost"}},
		"learned, a panic":   {func(d *Data) { d.Train.(*noisyWaves).bad = panics }, []string{"batch of step", "item 17: panic: runtime error: index out of range"}},
		"not sampled":        {func(d *Data) { d.Train = &waves{classes: 8, bad: panics} }, []string{"batch of step", "item 17: panic"}},
		"measured, an error": {func(d *Data) { d.Test.(*waves).bad = lost }, []string{"raw vectors at step 0", "item 17: lost"}},
		"measured, a panic":  {func(d *Data) { d.Val.(*waves).bad = panics }, []string{"embedding at step 0", "item 17: panic"}},
	} {
		t.Run(name, func(t *testing.T) {
			begun.Store(false)
			d := newWaves()
			c.change(&d)
			tr, err := New(smallWaves(), d, Options{Dir: filepath.Join(t.TempDir(), "run")})
			require.NoError(t, err)
			defer tr.Close()
			begun.Store(true)
			_, err = tr.Run(context.Background())
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			_, err = New(smallWaves(), d, Options{Dir: filepath.Join(t.TempDir(), "run")})
			require.ErrorContains(t, err, "before the first step")
			require.ErrorContains(t, err, "item 17: ")
		})
	}
}

// odd is a set with one thing wrong.
type odd struct {
	*waves
	labels []int
	shape  [3]int
}

func (o odd) Labels() []int                        { return o.labels }
func (o odd) Shape() (channels, height, width int) { return o.shape[0], o.shape[1], o.shape[2] }

func TestOwnSetThatCannotBe(t *testing.T) {
	good := &waves{classes: 8}
	vectors := [3]int{wavesLength, 1, 1}
	wrong := good.Labels()
	wrong[5] = 8
	classless := good.Labels()
	classless[5] = datasets.NoClass
	for name, c := range map[string]struct {
		d    Data
		want string
	}{
		"few labels":          {Data{Train: odd{good, good.Labels()[1:], vectors}}, "Data.Train: 63 labels of 64 items"},
		"a label of no class": {Data{Train: odd{good, wrong, vectors}}, "Data.Train: the label of item 5 is 8, want 0 … 7"},
		"learned of no class": {Data{Train: odd{good, classless, vectors}}, "Data.Train: the label of item 5 is -1, want 0 … 7"},
		"no height":           {Data{Train: odd{good, good.Labels(), [3]int{wavesLength, 0, 1}}}, "such as 16×1×1 for vectors"},
		"another width":       {Data{Train: good, Test: odd{good, good.Labels(), [3]int{3, 1, 1}}}, "Data.Test: it holds vectors of 3 numbers, and what is learned from vectors of 16 numbers"},
		"a set that panics":   {Data{Train: good, Val: odd{shape: vectors}}, "Data.Val: trainer.odd panicked"},
		"other normalisation": {Data{Train: good, Norm: datasets.Normalisation{Mean: []float32{1}, Std: []float32{1}}}, "Data.Norm"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(smallWaves(), c.d, Options{Dir: filepath.Join(t.TempDir(), "run")})
			require.ErrorContains(t, err, c.want)
		})
	}
	cfg := smallWaves()
	cfg.Data.Augment.FlipH = 0.5
	_, err := New(cfg, newWaves(), Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.ErrorContains(t, err, "Data.Augment.FlipH: only pictures of files can obey that")
	require.ErrorContains(t, err, "datasets.Sampled")
}

// vectorFiles writes waves as embeddings of another network.
func vectorFiles(t testing.TB) string {
	dir := t.TempDir()
	all := &waves{classes: 24}
	values := make([]float32, all.Len()*wavesLength)
	items := make([]int, all.Len())
	labels := make([]int64, all.Len())
	for i := range items {
		items[i], labels[i] = i, int64(i/wavesEach)
	}
	require.NoError(t, all.Fill(values, items, datasets.Normalisation{}))
	var b bytes.Buffer
	require.NoError(t, safetensors.Write(&b, &safetensors.File{Tensors: []safetensors.Tensor{
		{Name: "embeddings", Shape: []int{all.Len(), wavesLength}, F32: values}, {Name: "labels", Shape: []int{all.Len()}, I64: labels},
	}}))
	path := filepath.Join(dir, "embeddings.safetensors")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	return path
}

func TestVectorsAreLearnedFrom(t *testing.T) {
	path := vectorFiles(t)
	cfg := smallWaves()
	cfg.Net.Hidden = nil
	cfg.Data = DataConfig{Path: path, Val: "0.2", Test: "0.25"}
	whole, r := run(t, cfg, Options{})
	require.Equal(t, "mlp", whole.cfg.Net.Backbone)
	require.Equal(t, []int{hiddenOfVectors}, whole.cfg.Net.Hidden)
	own, err := opened(whole.data.Train.Set).ComputeNormalisation()
	require.NoError(t, err)
	require.Equal(t, own, whole.data.Norm)
	require.FileExists(t, r.Report)

	stored, err := Stored(string(whole.dir))
	require.NoError(t, err)
	require.Empty(t, Differences(stored, cfg), "what is left to the data is no difference")
	ctx, cancel := context.WithCancel(context.Background())
	broken := start(t, cfg, Options{Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 23 {
			cancel()
		}
		return nil
	}}}})
	_, err = broken.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, broken.Close())
	on, err := Resume(load(t, stored), Options{Dir: string(broken.dir)})
	require.NoError(t, err)
	defer on.Close()
	_, err = on.Run(context.Background())
	require.NoError(t, err)
	sameRun(t, string(whole.dir), string(on.dir))

	m, err := model.Load(r.Model, model.Options{})
	require.NoError(t, err)
	defer m.Close()
	require.Empty(t, m.Info().Resize)
	require.Empty(t, m.Info().Range)
	require.Equal(t, whole.data.Norm, m.Info().Normalisation)
	s, err := datasets.Open(path, m.Options())
	require.NoError(t, err)
	defer s.Close()
	all, err := m.Embed(context.Background(), s.Train)
	require.NoError(t, err)
	one := make([]float32, wavesLength)
	require.NoError(t, s.Train.Fill(one, []int{5}, m.Info().Normalisation))
	alone, err := m.EmbedPixels(context.Background(), one)
	require.NoError(t, err)
	require.Equal(t, all[5*8:6*8], alone)

	// What the run left is a data set again, and a place to measure on.
	again := cfg
	again.Data = DataConfig{Path: r.Embeddings, Val: r.Embeddings, Test: "none"}
	again.Steps = 2
	_, r = run(t, again, Options{})
	require.Contains(t, r.Protocol, "all seen in training")
	again.Data = DataConfig{Path: path, Test: r.Embeddings}
	_, err = Load(again.Data, 1, LoadOptions{})
	require.ErrorContains(t, err, "it holds vectors of 8 numbers, and what is learned from vectors of 16 numbers")
	again.Data = DataConfig{Path: path, Test: pictures(t)}
	_, err = Load(again.Data, 1, LoadOptions{})
	require.ErrorContains(t, err, "Data.Test")
}

func TestVectorsRefuseWhatPicturesObey(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"Data.Augment.FlipH, Data.Height, Data.Invert: only pictures": func(c *Config) { c.Data.Augment.FlipH, c.Data.Height, c.Data.Invert = 1, 32, true },
		"Net.Backbone is cnn, which convolves":                        func(c *Config) { c.Net = nets.Config{Backbone: "cnn"} },
		"Net.Backbone is resnet18, which convolves":                   func(c *Config) { c.Net = nets.Config{Backbone: "resnet18"} },
		"Net.Backbone is vit-small-16, which convolves":               func(c *Config) { c.Net = nets.Config{Backbone: "vit-small-16"} },
		"Net.Channels means nothing to Net.Backbone mlp":              func(c *Config) { c.Net = nets.Config{Channels: []int{4}} },
	} {
		cfg := smallWaves()
		cfg.Data = DataConfig{Path: vectorFiles(t)}
		change(&cfg)
		_, err := New(cfg, load(t, cfg), Options{Dir: filepath.Join(t.TempDir(), "run")})
		require.ErrorContains(t, err, strings.TrimSpace(want))
	}
	cfg := small(pictures(t))
	cfg.Net = nets.Config{Hidden: []int{16}}
	_, err := New(cfg, load(t, cfg), Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.ErrorContains(t, err, "Net.Hidden means nothing to Net.Backbone cnn")
}
