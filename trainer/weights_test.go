package trainer

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
)

// fileOfWeights writes weights of a thin ResNet, as others name them, and gives them by their names in a run.
func fileOfWeights(t *testing.T, seed uint64) (path string, values map[string][]float32) {
	t.Helper()
	params := graph.NewParams(seed)
	e, err := model.NewEmbedder(nets.Config{Backbone: "resnet18", Channels: []int{4, 6}, Stem: "standard", InChannels: 3, Height: 32, Width: 32}, params, 1, nil, model.Views{})
	require.NoError(t, err)
	require.NoError(t, e.Close())
	f, values := &safetensors.File{}, map[string][]float32{}
	for _, item := range params.Under(nets.BackbonePrefix) {
		own := slices.Clone(item.Value.Float32s())
		own[0] += 0.25 // statistics are then others than at first
		values[params.NameOf(item)] = own
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: strings.TrimPrefix(params.NameOf(item), nets.BackbonePrefix), Shape: item.Shape(), F32: own})
	}
	path = filepath.Join(t.TempDir(), "w.safetensors")
	w, err := os.Create(path)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, safetensors.Write(w, f))
	return path, values
}

// weightsConfig is a run that begins with a file, as a program has it.
func weightsConfig(t *testing.T, path string) Config {
	t.Helper()
	cfg := Default()
	cfg.Data.Path, cfg.Data.Height, cfg.Data.Test = pictures(t), 32, "none"
	cfg.Weights = path
	cfg.Net.Backbone, cfg.Net.Channels, cfg.Net.Embedding = "resnet18", []int{4, 6}, 4
	cfg.Steps, cfg.Sampler.P, cfg.Sampler.K = 2, 2, 2
	return cfg
}

// A run begins with the numbers of the file, and so do running averages; a frozen backbone keeps them in the model.
func TestRunBeginsWithWeights(t *testing.T) {
	path, want := fileOfWeights(t, 5)
	for name, decay := range map[string]float64{"": 0, "averaged": 0.9} {
		t.Run(name, func(t *testing.T) {
			cfg, p, err := weightsConfig(t, path).WithWeights(nil, nil)
			require.NoError(t, err)
			require.Contains(t, p.Told, "Data.Height: 32 counts, though these weights were trained with Data.Height: 224 (as timm prepares them)")
			require.Equal(t, []any{3, datasets.Crop, datasets.Bicubic, "given", "standard"}, []any{cfg.Data.Channels, cfg.Data.Resize, cfg.Data.Filter, cfg.Data.Normalise, cfg.Net.Stem})
			again, p, err := cfg.WithWeights(nil, nil)
			require.NoError(t, err)
			require.Equal(t, cfg, again)
			require.Len(t, p.Told, 2) // the size, and the whole
			cfg.Average = optim.AverageConfig{Decay: decay}
			tr := start(t, cfg, Options{Dir: filepath.Join(t.TempDir(), "run"), NoReport: true, LRScales: map[string]float64{nets.BackbonePrefix: 0}})
			require.InDeltaSlice(t, []float32{0.485, 0.456, 0.406}, tr.data.Norm.Mean, 1e-6)
			params, err := tr.Params()
			require.NoError(t, err)
			for name, v := range want {
				require.Equal(t, v, params.Lookup(name).Value.Float32s(), name)
			}
			r, err := tr.Run(context.Background())
			require.NoError(t, err)
			require.Len(t, r.Weights.Loaded, len(want))
			for name, v := range want {
				require.Equal(t, v, tr.averaged.Lookup(name).Value.Float32s(), name)
			}
		})
	}
}

// Whoever asks nobody how weights want their pictures is told; the network is that of the file all the same.
func TestWeightsWithoutAsking(t *testing.T) {
	path, want := fileOfWeights(t, 5)
	cfg := weightsConfig(t, path)
	cfg.Data.Channels = 3
	var told []string
	tr := start(t, cfg, Options{Dir: filepath.Join(t.TempDir(), "run"), Notice: func(m string) { told = append(told, m) }})
	require.Contains(t, strings.Join(told, "\n"), "the pictures are not prepared as the weights were trained: the middle 224×224 of a short side of 235, bicubic")
	require.Equal(t, "standard", tr.Config().Net.Stem)
	params, err := tr.Params()
	require.NoError(t, err)
	require.Equal(t, want["backbone.conv1.weight"], params.Lookup("backbone.conv1.weight").Value.Float32s())
}

// Before its first checkpoint a run needs the file, and no other; after it, none. The report is then without a map of before.
func TestResumeWithoutTheFileOfWeights(t *testing.T) {
	path, want := fileOfWeights(t, 5)
	cfg, _, err := weightsConfig(t, path).WithWeights(nil, nil)
	require.NoError(t, err)
	data := load(t, cfg)
	dir := filepath.Join(t.TempDir(), "run")
	tr, err := New(cfg, data, Options{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, tr.Close())

	tr, err = Resume(data, Options{Dir: dir})
	require.NoError(t, err)
	params, err := tr.Params()
	require.NoError(t, err)
	require.Equal(t, want["backbone.conv1.weight"], params.Lookup("backbone.conv1.weight").Value.Float32s())
	require.NoError(t, tr.Close())

	other, _ := fileOfWeights(t, 6)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Rename(other, path))
	_, err = Resume(data, Options{Dir: dir})
	require.ErrorContains(t, err, "it is another file")
	require.NoError(t, os.Remove(path))
	_, err = Resume(data, Options{Dir: dir})
	require.ErrorContains(t, err, "Weights: there is no file "+path)

	require.NoError(t, os.WriteFile(path, raw, 0o644))
	ctx, cancel := context.WithCancel(context.Background())
	tr, err = Resume(data, Options{Dir: dir, Hooks: []Hook{{Step: func(context.Context, StepInfo) error { cancel(); return nil }}}})
	require.NoError(t, err)
	r, err := tr.Run(ctx)
	require.NoError(t, err)
	require.Equal(t, StopInterrupted, r.Stop)
	require.NoError(t, tr.Close())
	require.NoError(t, os.Remove(path))
	var told []string
	tr, err = Resume(data, Options{Dir: dir, Notice: func(m string) { told = append(told, m) }})
	require.NoError(t, err)
	defer tr.Close()
	r, err = tr.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, StopDone, r.Stop)
	require.Equal(t, "resnet18", r.Weights.Backbone)
	require.Contains(t, strings.Join(told, "\n"), "the report has no map of the embeddings before training: ")
	page, err := os.ReadFile(r.Report)
	require.NoError(t, err)
	require.Contains(t, string(page), "Began with")
	require.Contains(t, string(page), r.Weights.Files[0].SHA256)
}

func TestWeightsAreOfPictures(t *testing.T) {
	path, _ := fileOfWeights(t, 5)
	cfg := Default()
	cfg.Data.Path, cfg.Weights = vectorFiles(t), path
	data := load(t, cfg)
	_, _, err := cfg.Fit(data, nil)
	require.ErrorContains(t, err, "weights of a network that sees pictures, but the data are vectors: leave it out")
}

// Aligning takes the place of how weights want pictures resized; weights for aligned faces say what they want.
func TestWeightsAndAlignment(t *testing.T) {
	faces, photographs := nets.Preparation{Height: 112, Width: 112, Resize: "squeeze", Filter: "bilinear", Aligned: true, From: "some do"}, nets.Preparation{Height: 224, Width: 224, Resize: "crop", CropPct: 0.875, Filter: "bicubic", From: "some do"}
	for name, c := range map[string]struct {
		want  nets.Preparation
		align datasets.Alignment
		data  DataConfig // that it comes to
		told  string
	}{
		"faces":           {faces, datasets.AlignArcFace, DataConfig{Align: datasets.AlignArcFace}, ""},
		"faces, as is":    {faces, datasets.AlignNone, DataConfig{Align: datasets.AlignNone, Resize: datasets.Squeeze, Filter: datasets.Bilinear}, "these weights know aligned faces alone: pictures must be such, or be named in a table with their landmarks, for Data.Align: arcface"},
		"others, aligned": {photographs, datasets.AlignArcFace, DataConfig{Align: datasets.AlignArcFace}, "Data.Align: arcface counts, though these weights were trained with Data.Align: none (as some do)"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &preparing{given: func(field string) bool { return field == "Data.Align" }}
			p.Report = nets.WeightsReport{Preparation: c.want}
			d := DataConfig{Align: c.align}
			p.resizing(&d, c.want)
			require.Equal(t, c.data, d)
			require.Equal(t, c.told, strings.Join(p.Told, "; "))
		})
	}
}
