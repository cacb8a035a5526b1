package trainer

import (
	"bytes"
	"context"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/safetensors"
	"medusa/nets"
	"medusa/samplers"
)

// viewed is a short run on folders of pictures, measured by views.
func viewed(t *testing.T, views string, raw bool) Config {
	t.Helper()
	return Config{
		Data: DataConfig{Path: colourful(t), Height: 12, Width: 12, Detail: 1.5, Copies: IgnoreCopies, Val: "0.5", Test: "none"},
		Net:  nets.Config{Channels: []int{4, 8}, Embedding: 4, Raw: raw},
		Loss: "contrastive", Sampler: samplers.Config{P: 2, K: 2}, Steps: 3, EvalEvery: -1, CheckpointEvery: -1, EvalBatch: 5, Keep: Last,
		EvalViews: views,
	}
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
			cfg := viewed(t, tt.views, tt.raw)
			cfg.Average.Decay = tt.ema
			tr, r := run(t, cfg, Options{NoReport: true})
			require.Equal(t, 4*len(tt.lists), tr.EmbeddingSize())
			got, err := tr.Embed(context.Background(), tr.data.Val)
			require.NoError(t, err)
			pictures := tr.data.Val.pictures()
			m, err := LoadModel(r.Model)
			require.NoError(t, err)
			defer m.Close()
			require.Equal(t, 4*len(tt.lists), m.EmbeddingSize())
			one := func(v datasets.View) []float32 { // by the network alone, which knows of no views
				x := make([]float32, pictures.Len()*3*12*12)
				var all []int
				for i := range pictures.Len() {
					all = append(all, i)
				}
				require.NoError(t, pictures.FillView(x, all, m.info.Normalisation, v))
				net, err := newEmbedder(m.info.Net, m.params, 5, nil)
				require.NoError(t, err)
				defer net.close()
				y, err := net.pixels(context.Background(), x)
				require.NoError(t, err)
				return y
			}
			width := tr.EmbeddingSize()
			for l, text := range tt.lists {
				lists, err := datasets.ParseViews(text)
				require.NoError(t, err)
				sum := make([]float64, 4*pictures.Len())
				for _, v := range lists[0] {
					for i, value := range one(v) {
						sum[i] += float64(value)
					}
				}
				for i := range pictures.Len() {
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
	cfg := viewed(t, "plain,rotate=8+scale=1.1|turned", false)
	tr, r := run(t, cfg, Options{NoReport: true})
	want, err := tr.Embed(ctx, tr.data.Val)
	require.NoError(t, err)
	m, err := LoadModel(r.Model)
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, cfg.EvalViews, m.Info().Views)
	require.Equal(t, 1.5, m.Options().Detail)
	val := tr.data.Val.pictures()
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
		require.NoError(t, m.EmbedFiles(ctx, []string{path}, EmbedOptions{}, func(_ string, got []float32) error {
			require.Equal(t, embedding, got)
			return nil
		}))
	}
	file, err := safetensors.Open(r.Embeddings)
	require.NoError(t, err)
	stored := slices.IndexFunc(file.Tensors, func(s safetensors.Tensor) bool { return s.Name == "embeddings" })
	require.Equal(t, []int{val.Len(), size}, file.Tensors[stored].Shape)
	require.Equal(t, want, file.Tensors[stored].F32)

	// Views change no weight: the run without them leaves the same ones.
	cfg.EvalViews = ""
	_, plain := run(t, cfg, Options{NoReport: true})
	without, err := LoadModel(plain.Model)
	require.NoError(t, err)
	defer without.Close()
	require.Equal(t, 4, without.EmbeddingSize())
	for _, p := range m.params.All() {
		require.Equal(t, p.Value.Data(), without.params.Lookup(p.Name).Value.Data())
	}
	upright, err := without.Embed(ctx, val)
	require.NoError(t, err)
	for i := range 4 {
		require.NotEqual(t, upright[i], 2*want[i], "the first list alone has another mean")
	}
}

// What views cannot be taken of is refused, and so are views that are none.
func TestViewsRefuse(t *testing.T) {
	ctx := context.Background()
	cfg := viewed(t, fewViews, false)
	tr, r := run(t, cfg, Options{NoReport: true})
	m, err := LoadModel(r.Model)
	require.NoError(t, err)
	defer m.Close()
	_, err = m.EmbedPixels(ctx, make([]float32, 3*12*12))
	require.ErrorContains(t, err, "give it a Dataset, a file or an image")
	o := m.Options()
	o.Detail = 0
	small, err := datasets.OpenUnlabelled(cfg.Data.Path, o)
	require.NoError(t, err)
	defer small.Close()
	_, err = m.Embed(ctx, small)
	require.ErrorContains(t, err, "kept 1.5 times as large, and these are kept 1 times as large: open them with Detail 1.5")
	_, err = tr.Embed(ctx, ownPictures{small})
	require.ErrorContains(t, err, "only of pictures in a Dataset")

	cfg.EvalViews = "plain,mirror"
	require.ErrorContains(t, cfg.Validate(), `EvalViews: "mirror" is no change of a view`)
	cfg.EvalViews = "flip"
	data := tr.data.data()
	data.Val = ownPictures{small}
	_, err = New(cfg, data, Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.ErrorContains(t, err, "EvalViews is flip, but only pictures in a Dataset can be seen in several ways")
}

// ownPictures is a Set of one's own.
type ownPictures struct{ datasets.Set }
