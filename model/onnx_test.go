package model_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/datasets"
	"medusa/graph"
	"medusa/model"
	"medusa/nets"
)

// pythonWith is a Python that has the modules: that of an environment variable, or the first that is found.
func pythonWith(t *testing.T, variable string, modules ...string) string {
	t.Helper()
	candidates := []string{"python3", "/usr/bin/python3"}
	if named := os.Getenv(variable); named != "" {
		candidates = []string{named}
	}
	for _, python := range candidates {
		if imports(python, strings.Join(modules, ", ")) {
			return python
		}
	}
	require.Empty(t, os.Getenv(variable), "the Python of %s lacks one of %v", variable, modules)
	t.Skipf("no Python with %s: install them, or name one that has them in %s", strings.Join(modules, " and "), variable)
	return ""
}

// imports reports whether a Python has modules. Each question is asked once, as importing takes a second.
func imports(python, modules string) bool {
	pythons.Lock()
	defer pythons.Unlock()
	question := [2]string{python, modules}
	if has, asked := pythons.has[question]; asked {
		return has
	}
	pythons.has[question] = exec.Command(python, "-c", "import "+modules).Run() == nil
	return pythons.has[question]
}

var pythons = struct {
	sync.Mutex
	has map[[2]string]bool
}{has: map[[2]string]bool{}}

// modelWith is a model of random weights, with running statistics as after some training.
func modelWith(t *testing.T, info model.Info) *model.Model {
	t.Helper()
	params := graph.NewParams(7)
	n := info.Net
	g := gorgonia.NewGraph()
	x, _ := graph.Input(g, "pictures", 1, n.InChannels, n.Height, n.Width)
	_, err := nets.Build(n, params, x, nets.Eval)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 9))
	for _, p := range params.All() {
		values := p.Value.Float32s()
		for i := range values {
			switch {
			case strings.HasSuffix(p.Name, "running_var"), strings.Contains(p.Name, "bn") && strings.HasSuffix(p.Name, ".weight"):
				values[i] = float32(0.5 + rng.Float64())
			case strings.HasSuffix(p.Name, "running_mean"), strings.Contains(p.Name, "bn"):
				values[i] = float32(0.2 * rng.NormFloat64())
			}
		}
	}
	var file bytes.Buffer
	require.NoError(t, model.Write(&file, info, params, nil))
	path := filepath.Join(t.TempDir(), "model.safetensors")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o644))
	m, err := model.Load(path, model.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// onnxRuns are files of ONNX, with inputs, and what is to come out.
type onnxRuns struct {
	dir   string
	cases []onnxCase
}

type onnxCase struct {
	Model string    `json:"model"`
	Runs  []onnxRun `json:"runs"`
}

type onnxRun struct {
	Inputs map[string]onnxInput `json:"inputs"`
	Out    string               `json:"out"`
	what   string
	want   []float32
}

type onnxInput struct {
	File  string `json:"file"`
	Shape []int  `json:"shape"`
	Type  string `json:"type"`
}

// export adds a model.
func (r *onnxRuns) export(t *testing.T, m *model.Model, o model.ONNXOptions) {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, m.ExportONNX(&file, o))
	name := fmt.Sprintf("%d.onnx", len(r.cases))
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, name), file.Bytes(), 0o644))
	r.cases = append(r.cases, onnxCase{Model: name})
}

// expect adds a run of the last model: inputs are []float32 or []byte, by their names.
func (r *onnxRuns) expect(t *testing.T, what string, want []float32, inputs map[string]any, shapes map[string][]int) {
	t.Helper()
	c := &r.cases[len(r.cases)-1]
	run := onnxRun{Inputs: map[string]onnxInput{}, Out: fmt.Sprintf("%s.%d.out", c.Model, len(c.Runs)), want: want, what: what}
	for name, values := range inputs {
		in := onnxInput{File: fmt.Sprintf("%s.%d.%s", c.Model, len(c.Runs), name), Shape: shapes[name], Type: "<f4"}
		if _, whole := values.([]byte); whole {
			in.Type = "u1"
		}
		var b bytes.Buffer
		require.NoError(t, binary.Write(&b, binary.LittleEndian, values))
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, in.File), b.Bytes(), 0o644))
		run.Inputs[name] = in
	}
	c.Runs = append(c.Runs, run)
}

// compare checks all files by onnx's checker and runs them by ONNX Runtime.
func (r *onnxRuns) compare(t *testing.T, python string, tolerance float64) {
	t.Helper()
	list, err := json.Marshal(r.cases)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "cases.json"), list, 0o644))
	out, err := exec.Command(python, "testdata/run_onnx.py", r.dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, c := range r.cases {
		for _, run := range c.Runs {
			got := floatsIn(t, filepath.Join(r.dir, run.Out))
			require.Len(t, got, len(run.want), run.what)
			for i := range got {
				require.InDelta(t, run.want[i], got[i], tolerance*max(1, math.Abs(float64(run.want[i]))), "%s: number %d", run.what, i)
			}
		}
	}
}

// floatsIn are the numbers of a file, as Python wrote them.
func floatsIn(t *testing.T, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	numbers := make([]float32, len(data)/4)
	require.NoError(t, binary.Read(bytes.NewReader(data), binary.LittleEndian, numbers))
	return numbers
}

// drawings are five of the embedded ones, normalised (5, C, H, W).
func drawings(t *testing.T, cfg nets.Config, norm datasets.Normalisation) []float32 {
	t.Helper()
	s, err := embeddedDrawings()
	require.NoError(t, err)
	size := cfg.InChannels * cfg.Height * cfg.Width
	x := make([]float32, 5*size)
	for i, item := range []int{3, 1, 4, 15, 9} {
		img, err := s.Train.Image(item)
		require.NoError(t, err)
		d, err := datasets.FromImage(img, "drawing", datasets.Options{Channels: cfg.InChannels, Height: cfg.Height, Width: cfg.Width})
		require.NoError(t, err)
		require.NoError(t, d.Fill(x[i*size:(i+1)*size], []int{0}, norm))
		require.NoError(t, d.Close())
	}
	return x
}

var embeddedDrawings = sync.OnceValues(func() (datasets.Split, error) { return datasets.Open("", datasets.Options{}) })

// exported are networks with every backbone, head, norm and activation that there are.
var exported = map[string]nets.Config{
	"cnn":                {InChannels: 1, Height: 28, Width: 28, Channels: []int{4, 6, 8}, Embedding: 5},
	"cnn of biases":      {InChannels: 1, Height: 12, Width: 12, Channels: []int{4, 5}, Norm: "none", Head: "flatten", Embedding: 3, Dropout: 0.3},
	"averages, SiLU":     {InChannels: 3, Height: 13, Width: 17, Channels: []int{4, 5}, Pooling: "avg", Activation: "silu", Embedding: 3, Raw: true},
	"maxima, leaky":      {InChannels: 1, Height: 12, Width: 12, Channels: []int{4, 5}, Head: "max", Activation: "leaky-relu", Embedding: 3},
	"no pooling":         {InChannels: 1, Height: 8, Width: 8, Channels: []int{4, 5}, Pooling: "none", Activation: "tanh", Embedding: 3},
	"mlp":                {Backbone: "mlp", InChannels: 1, Height: 12, Width: 12, Hidden: []int{6, 5}, Embedding: 3, Dropout: 0.5},
	"mlp with norms":     {Backbone: "mlp", InChannels: 3, Height: 8, Width: 8, Hidden: []int{6, 5}, Norm: "batch", Activation: "tanh", Embedding: 3, Raw: true},
	"resnet18":           {Backbone: "resnet18", InChannels: 3, Height: 16, Width: 16, Channels: []int{4, 6, 8, 8}, Embedding: 5},
	"resnet34, its stem": {Backbone: "resnet34", InChannels: 3, Height: 70, Width: 64, Channels: []int{4, 6, 8, 8}, Embedding: 5, Activation: "leaky-relu"},
	"resnet, no norms":   {Backbone: "resnet18", InChannels: 1, Height: 16, Width: 16, Channels: []int{3, 4}, Norm: "none", Head: "flatten", Stem: "standard", Embedding: 4},
}

// ONNX Runtime gives the embeddings of real pictures that the model gives, one by one and several at once.
func TestONNXRuntimeEmbedsAlike(t *testing.T) {
	python := pythonWith(t, "MEDUSA_ONNX_PYTHON", "onnx", "onnxruntime")
	r := &onnxRuns{dir: t.TempDir()}
	for name, cfg := range exported {
		m := modelWith(t, model.Info{Net: cfg, Resize: datasets.Squeeze, Normalisation: normalisationOf(cfg.InChannels)})
		r.export(t, m, model.ONNXOptions{})
		all := drawings(t, cfg, m.Info().Normalisation)
		for _, batch := range []int{1, 5} {
			x := all[:batch*cfg.InChannels*cfg.Height*cfg.Width]
			want, err := m.EmbedPixels(context.Background(), x)
			require.NoError(t, err)
			r.expect(t, name, want, map[string]any{"pictures": x}, map[string][]int{"pictures": {batch, cfg.InChannels, cfg.Height, cfg.Width}})
		}
	}
	r.compare(t, python, 1e-5)
}

func normalisationOf(channels int) datasets.Normalisation {
	return datasets.Normalisation{Mean: []float32{0.1, 0.2, 0.3}[:channels], Std: []float32{0.4, 0.3, 0.35}[:channels]}
}

// What is done to the values of pictures is in the graph where that is asked for, and the views that a
// model takes are in any case.
func TestONNXPreparesPictures(t *testing.T) {
	python := pythonWith(t, "MEDUSA_ONNX_PYTHON", "onnx", "onnxruntime")
	r := &onnxRuns{dir: t.TempDir()}
	for _, c := range []struct {
		channels int
		views    string
		detail   float64
		raw      bool
	}{
		{1, "", 0, false}, {3, "", 0, false}, {1, "plain,flip", 0, false}, {3, "plain,rotate=8,shift=1/-2|turned", 1.5, false}, {1, "scale=1.2+rotate=5,flip", 2, true},
		{1, "plain|flip,shift=0.5/0", 0, true},
	} {
		for _, invert := range []bool{false, true} {
			info := model.Info{Net: nets.Config{InChannels: c.channels, Height: 12, Width: 12, Channels: []int{4, 5}, Embedding: 3, Raw: c.raw}, Resize: datasets.Squeeze,
				Range: datasets.RangeFull, Normalisation: normalisationOf(c.channels), Invert: invert, Views: c.views, Detail: c.detail}
			m := modelWith(t, info)
			plain, err := datasets.OpenUnlabelled(colourful(t), func() datasets.Options { o := m.Options(); o.Invert = false; return o }())
			require.NoError(t, err)
			t.Cleanup(func() { plain.Close() })
			d, err := datasets.OpenUnlabelled(colourful(t), m.Options())
			require.NoError(t, err)
			t.Cleanup(func() { d.Close() })
			all, err := m.Embed(context.Background(), d)
			require.NoError(t, err)
			for _, input := range model.ONNXInputs() {
				r.export(t, m, model.ONNXOptions{Input: model.ONNXInput(input)})
				for _, batch := range []int{1, 5} {
					inputs, shapes := map[string]any{}, map[string][]int{}
					for name, detail := range map[string]bool{"pictures": false, "detail": true} {
						if detail && c.detail == 0 || !detail && c.detail > 0 && !strings.Contains(c.views, "plain") {
							continue
						}
						inputs[name], shapes[name] = picturesFor(t, plain, batch, detail, info, model.ONNXInput(input))
					}
					what := fmt.Sprintf("%+v, inverted %v, input %s, %d pictures", c, invert, input, batch)
					r.expect(t, what, all[:batch*m.EmbeddingSize()], inputs, shapes)
				}
			}
		}
	}
	r.compare(t, python, 1e-5)
}

// picturesFor are the first pictures as an exported model takes them.
func picturesFor(t *testing.T, d *datasets.Dataset, batch int, detail bool, info model.Info, input model.ONNXInput) (values any, shape []int) {
	t.Helper()
	s := d.Stored()
	shape = []int{batch, s.Channels, s.Height, s.Width}
	if detail {
		shape = []int{batch, s.Channels, s.DetailHeight, s.DetailWidth}
	}
	var pixels []byte
	for i := range batch {
		p, err := d.StoredPicture(i, detail, make([]byte, 1<<16))
		require.NoError(t, err)
		pixels = append(pixels, p...)
	}
	if input == model.InputPixels {
		return pixels, shape
	}
	plane := shape[2] * shape[3]
	floats := make([]float32, len(pixels))
	for i, v := range pixels {
		switch {
		case input == model.InputFloats:
			floats[i] = float32(v) / 255
			continue
		case info.Invert:
			v = 255 - v
		}
		c := i / plane % s.Channels
		floats[i] = (float32(v)/255 - info.Normalisation.Mean[c]) / info.Normalisation.Std[c]
	}
	return floats, shape
}

// Without views a model is exported as one that has none.
func TestONNXWithoutViews(t *testing.T) {
	info := model.Info{Net: nets.Config{InChannels: 1, Height: 8, Width: 8, Channels: []int{4}, Embedding: 3}, Resize: datasets.Squeeze}
	var want, got bytes.Buffer
	require.NoError(t, modelWith(t, info).ExportONNX(&want, model.ONNXOptions{}))
	info.Views, info.Detail = "plain,flip|turned", 2
	require.NoError(t, modelWith(t, info).ExportONNX(&got, model.ONNXOptions{NoViews: true}))
	require.Equal(t, want.Bytes(), got.Bytes())
}

// Vectors are rows, and normalised in the graph where that is asked for.
func TestONNXOfVectors(t *testing.T) {
	python := pythonWith(t, "MEDUSA_ONNX_PYTHON", "onnx", "onnxruntime")
	r := &onnxRuns{dir: t.TempDir()}
	norm := normalisationOf(3)
	m := modelWith(t, model.Info{Net: nets.Config{Backbone: "mlp", InChannels: 3, Height: 1, Width: 1, Hidden: []int{6}, Embedding: 4}, Normalisation: norm})
	x := []float32{1, 2, 3, -1, 0.5, 2, 0, 0, 7}
	normal := make([]float32, len(x))
	for i := range x {
		normal[i] = (x[i] - norm.Mean[i%3]) / norm.Std[i%3]
	}
	want, err := m.EmbedPixels(context.Background(), normal)
	require.NoError(t, err)
	for input, values := range map[model.ONNXInput][]float32{model.InputNormalised: normal, model.InputFloats: x} {
		r.export(t, m, model.ONNXOptions{Input: input})
		r.expect(t, string(input), want, map[string]any{"vectors": values}, map[string][]int{"vectors": {3, 3}})
	}
	r.compare(t, python, 1e-5)
	require.ErrorContains(t, m.ExportONNX(&bytes.Buffer{}, model.ONNXOptions{Input: model.InputPixels}), "whose numbers are no bytes: take the input floats or normalised")
}

// The script of docs/export.md embeds picture files as the model does, but for how Pillow rounds where it resizes.
func TestScriptEmbedsPictureFiles(t *testing.T) {
	python := pythonWith(t, "MEDUSA_ONNX_PYTHON", "onnxruntime", "PIL")
	dir := t.TempDir()
	script := filepath.Join(dir, "embed.py")
	require.NoError(t, os.WriteFile(script, pythonOf(t, "embed.py"), 0o644))
	paths, err := filepath.Glob(filepath.Join(colourful(t), "*", "*.png"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	paths = paths[:5]
	for _, c := range []struct {
		resize   datasets.ResizeMode
		channels int
		cropPct  float64
		filter   datasets.Filter
	}{
		{datasets.Squeeze, 1, 0, ""}, {datasets.Crop, 3, 0, ""}, {datasets.Pad, 3, 0, ""},
		{datasets.Crop, 3, 12. / 15, datasets.Bicubic}, {datasets.Squeeze, 3, 0.7, ""}, {datasets.Pad, 3, 0, datasets.Bicubic},
	} {
		channels := c.channels
		m := modelWith(t, model.Info{Net: nets.Config{InChannels: channels, Height: 12, Width: 12, Channels: []int{8, 8}, Embedding: 6}, Resize: c.resize, CropPct: c.cropPct, Filter: c.filter, Range: datasets.RangeFull,
			Normalisation: normalisationOf(channels), Invert: channels == 1})
		var file bytes.Buffer
		require.NoError(t, m.ExportONNX(&file, model.ONNXOptions{Input: model.InputPixels}))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "m.onnx"), file.Bytes(), 0o644))
		const run = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0])['embeddings'].tofile(sys.argv[0] + '.out')"
		out, err := exec.Command(python, append([]string{"-c", run, script, filepath.Join(dir, "m.onnx")}, paths...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		got := floatsIn(t, script+".out")
		for i, path := range paths {
			want, err := m.EmbedFile(context.Background(), path)
			require.NoError(t, err)
			require.InDeltaSlice(t, want, got[i*len(want):(i+1)*len(want)], 5e-4, "%+v, %s", c, path)
		}
	}
}

// What is left to the caller stands in the input's doc.
func TestONNXTellsHowPicturesAreResized(t *testing.T) {
	for _, c := range []struct {
		info model.Info
		want string
	}{
		{model.Info{Resize: datasets.Squeeze}, "the whole picture resized with a triangle filter that is widened where it reduces (Pillow's BILINEAR), its aspect ratio given up"},
		{model.Info{Resize: datasets.Squeeze, Filter: datasets.Bicubic, CropPct: 0.5}, "the whole picture resized with a cubic filter that is widened where it reduces (Pillow's BICUBIC) to 16 rows and 24 columns, and the middle of it taken"},
		{model.Info{Resize: datasets.Crop, Filter: datasets.Bicubic, CropPct: 0.8}, "resized with a cubic filter that is widened where it reduces (Pillow's BICUBIC) so that it just covers 10 rows and 15 columns, its aspect ratio kept, and the middle of it taken"},
		{model.Info{Resize: datasets.Crop}, "the largest centred part of that aspect ratio, resized with a triangle filter"},
		{model.Info{Resize: datasets.Pad, Filter: datasets.Bicubic}, "the whole picture resized with a cubic filter that is widened where it reduces (Pillow's BICUBIC), centred, white beside it"},
	} {
		c.info.Net = nets.Config{InChannels: 1, Height: 8, Width: 12, Channels: []int{4}, Embedding: 3}
		var file bytes.Buffer
		require.NoError(t, modelWith(t, c.info).ExportONNX(&file, model.ONNXOptions{}))
		require.Contains(t, file.String(), " columns, "+c.want)
	}
}
