package model_test

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/nets"
	"medusa/samplers"
	"medusa/trainer"
)

// viewed is a short run on folders of pictures, measured by views.
func viewed(t *testing.T, views string) trainer.Config {
	t.Helper()
	return trainer.Config{
		Data: trainer.DataConfig{Path: colourful(t), Height: 12, Width: 12, Detail: 1.5, Copies: trainer.IgnoreCopies, Val: "0.5", Test: "none"},
		Net:  nets.Config{Channels: []int{4, 8}, Embedding: 4},
		Loss: "contrastive", Sampler: samplers.Config{P: 2, K: 2}, Steps: 3, EvalEvery: -1, CheckpointEvery: -1, EvalBatch: 5, Keep: trainer.Last,
		EvalViews: views, Threads: 1,
	}
}

// learned is what a run of cfg left: its trainer, the pictures that it measured, and the model.
type learned struct {
	*trainer.Trainer
	result trainer.Result
	val    *datasets.Dataset
	model  *model.Model
}

func learn(t *testing.T, cfg trainer.Config) (l learned) {
	t.Helper()
	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { data.Close() })
	l.val = data.Val.(*datasets.Dataset)
	l.Trainer, err = trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), NoReport: true})
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	l.result, err = l.Run(context.Background())
	require.NoError(t, err)
	l.model, err = model.Load(l.result.Model, model.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { l.model.Close() })
	return l
}

// alone is embeddings of pictures in one view, by a network that knows of no views.
func alone(t *testing.T, m *model.Model, d *datasets.Dataset, v datasets.View) []float32 {
	t.Helper()
	all := make([]int, d.Len())
	for i := range all {
		all[i] = i
	}
	c, height, width := d.Shape()
	x := make([]float32, d.Len()*c*height*width)
	require.NoError(t, d.FillView(x, all, m.Info().Normalisation, v))
	e, err := model.NewEmbedder(m.Info().Net, m.Params(), 5, nil, model.Views{})
	require.NoError(t, err)
	defer e.Close()
	y, err := e.Pixels(context.Background(), x)
	require.NoError(t, err)
	return y
}

const fewViews = "plain,rotate=8+scale=1.1,flip+shift=1/-0.5"

// An embedding of views is the mean over each list, brought to length 1 unless embeddings are raw, and
// the lists one behind the other: here of embeddings of one view each, in float64.
func TestEmbeddingsOfViewsAreMeans(t *testing.T) {
	for name, tt := range map[string]struct {
		views string
		raw   bool
		ema   float64
		lists []string
	}{
		"mean":     {fewViews, false, 0, []string{fewViews}},
		"raw":      {fewViews, true, 0, []string{fewViews}},
		"averages": {fewViews, false, 0.9, []string{fewViews}},
		"appended": {"plain,scale=1.2|flip", false, 0, []string{"plain,scale=1.2", "flip"}},
		"turned":   {"flip,rotate=8|turned", false, 0, []string{"flip,rotate=8", "flip+rotate=90,rotate=98", "flip+rotate=180,rotate=-172", "flip+rotate=-90,rotate=-82"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := viewed(t, tt.views)
			cfg.Net.Raw, cfg.Average.Decay = tt.raw, tt.ema
			run := learn(t, cfg)
			m, width, pictures := run.model, 4*len(tt.lists), run.val.Len()
			require.Equal(t, width, run.EmbeddingSize())
			require.Equal(t, width, m.EmbeddingSize())
			got, err := run.Embed(context.Background(), run.val)
			require.NoError(t, err)
			for l, text := range tt.lists {
				lists, err := datasets.ParseViews(text)
				require.NoError(t, err)
				sum := make([]float64, 4*pictures)
				for _, v := range lists[0] {
					for i, value := range alone(t, m, run.val, v) {
						sum[i] += float64(value)
					}
				}
				for i := range pictures {
					norm := 0.0
					for _, v := range sum[4*i : 4*i+4] {
						norm += v * v
					}
					by := math.Sqrt(norm * float64(len(tt.lists)))
					if tt.raw {
						by = float64(len(lists[0]))
					}
					for j, v := range sum[4*i : 4*i+4] {
						require.InDelta(t, v/by, got[i*width+4*l+j], 1e-6, "list %d, picture %d", l, i) // sums of float32 numbers up to 1
					}
				}
			}
		})
	}
}

// What a run measured, its model embeds in every way, with the same bits; and views are taken, of
// the larger pictures.
func TestModelEmbedsTheViewsOfItsRun(t *testing.T) {
	ctx := context.Background()
	cfg := viewed(t, "plain,rotate=8+scale=1.1|turned")
	run := learn(t, cfg)
	m, val := run.model, run.val
	want, err := run.Embed(ctx, val)
	require.NoError(t, err)
	require.Equal(t, cfg.EvalViews, m.Info().Views)
	require.Equal(t, 1.5, m.Options().Detail)
	again, err := m.Embed(ctx, val)
	require.NoError(t, err)
	require.Equal(t, want, again)
	size := m.EmbeddingSize()
	require.Equal(t, 16, size)
	for i := range val.Len() {
		path, embedding := filepath.Join(cfg.Data.Path, val.Path(i)), want[i*size:(i+1)*size]
		if _, err := os.Stat(val.Path(i)); err == nil {
			path = val.Path(i)
		}
		got, err := m.EmbedFile(ctx, path)
		require.NoError(t, err)
		require.Equal(t, embedding, got)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		got, err = m.EmbedReader(ctx, bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, embedding, got)
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		got, err = m.EmbedImage(ctx, img)
		require.NoError(t, err)
		require.Equal(t, embedding, got)
		require.NoError(t, m.EmbedFiles(ctx, []string{path}, model.EmbedOptions{}, func(_ string, got []float32) error {
			require.Equal(t, embedding, got)
			return nil
		}))
	}
	file, err := safetensors.Open(run.result.Embeddings)
	require.NoError(t, err)
	stored := slices.IndexFunc(file.Tensors, func(s safetensors.Tensor) bool { return s.Name == "embeddings" })
	require.Equal(t, []int{val.Len(), size}, file.Tensors[stored].Shape)
	require.Equal(t, want, file.Tensors[stored].F32)

	// Views change no weight: the run without them leaves the same ones.
	cfg.EvalViews = ""
	without := learn(t, cfg).model
	require.Equal(t, 4, without.EmbeddingSize())
	require.Zero(t, without.Info().Views)
	require.Zero(t, without.Options().Detail)
	for _, p := range m.Params().All() {
		require.Equal(t, p.Value.Data(), without.Params().Lookup(p.Name).Value.Data())
	}
	upright, err := without.Embed(ctx, val)
	require.NoError(t, err)
	for i := range 4 {
		require.NotEqual(t, upright[i], 2*want[i], "the first list alone has another mean")
	}
}

// viewedNet is an untrained model of views.
func viewedNet(t *testing.T, views string) *model.Model {
	t.Helper()
	info := smallNet(t).Info()
	info.Views, info.Detail = views, 1.5
	return untrained(t, info)
}

// Many goroutines embed with one model of views, files and sets, and each gets its own.
func TestViewsOfManyGoroutines(t *testing.T) {
	ctx := context.Background()
	m := viewedNet(t, fewViews+"|flip")
	set, err := datasets.OpenUnlabelled(colourful(t), m.Options())
	require.NoError(t, err)
	defer set.Close()
	whole, err := m.Embed(ctx, set)
	require.NoError(t, err)
	size := m.EmbeddingSize()
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			i := n % set.Len()
			x, err := m.EmbedFile(ctx, set.Path(i))
			assert.NoError(t, err)
			assert.Equal(t, whole[i*size:(i+1)*size], x)
			x, err = m.Embed(ctx, set)
			assert.NoError(t, err)
			assert.Equal(t, whole, x)
		})
	}
	wg.Wait()
}

// Omniglot's one-shot test takes views, too: a character and itself seen in views are one.
func TestOneShotSeesViews(t *testing.T) {
	ctx := context.Background()
	m := viewedNet(t, "plain,rotate=8|turned")
	files := os.DirFS(colourful(t))
	set, err := m.EmbedTree(ctx, files, []string{"class0/0.png", "class1/0.png"})
	require.NoError(t, err)
	require.Equal(t, m.EmbeddingSize(), set.Dim)
	for i, name := range []string{"class0/0.png", "class1/0.png"} {
		f, err := files.Open(name)
		require.NoError(t, err)
		want, err := m.EmbedReader(ctx, f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, want, set.Embeddings[i*set.Dim:][:set.Dim])
	}
}

// What views cannot be taken of is refused, and so are views that are none.
func TestViewsRefuse(t *testing.T) {
	ctx := context.Background()
	m := viewedNet(t, fewViews)
	_, err := m.EmbedPixels(ctx, make([]float32, 3*side*side))
	require.ErrorContains(t, err, "give it a Dataset, a file or an image")
	o := m.Options()
	o.Detail = 0
	small, err := datasets.OpenUnlabelled(colourful(t), o)
	require.NoError(t, err)
	defer small.Close()
	_, err = m.Embed(ctx, small)
	require.ErrorContains(t, err, "kept 1.5 times as large, and these are kept 1 times as large: open them with Detail 1.5")
	_, err = m.Embed(ctx, ownPictures{small})
	require.ErrorContains(t, err, "model: only pictures in a Dataset can be seen in several ways, not these")

	info := m.Info()
	info.Views = "plain,mirror"
	require.ErrorContains(t, model.Write(io.Discard, info, m.Params(), nil), `model: views: "mirror" is no change of a view`)
}

// A model of other views than are known here is refused with its path.
func TestLoadRefusesUnknownViews(t *testing.T) {
	var b bytes.Buffer
	m := viewedNet(t, "plain")
	require.NoError(t, model.Write(&b, m.Info(), m.Params(), nil))
	file, err := safetensors.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	file.Metadata["model"] = strings.Replace(file.Metadata["model"], `"views":"plain"`, `"views":"mirror"`, 1)
	b.Reset()
	require.NoError(t, safetensors.Write(&b, file))
	path := filepath.Join(t.TempDir(), "model.safetensors")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	_, err = model.Load(path, model.Options{})
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, `model: views: "mirror" is no change of a view`)
}

// ownPictures is a Set of one's own.
type ownPictures struct{ datasets.Set }
