package nets_test

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/nets"
)

// pretrainedTruth is what testdata/pretrained.py wrote.
type pretrainedTruth struct {
	Cases map[string]struct {
		File     string
		Shape    []int // of the pictures
		Features []float64
	}
	Names map[string]map[string][]int // of torchvision's whole models
	Grids []struct {
		Antialias bool
		Size      [2]int
		Values    []float64
	}
}

func pretrained(t testing.TB) (truth pretrainedTruth) {
	raw, err := os.ReadFile("testdata/pretrained/expected.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &truth))
	return truth
}

var tinyViT = nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3}

// with is tinyViT, changed.
func with(change func(*nets.ViT)) nets.Builder {
	v := tinyViT
	change(&v)
	return v.Build
}

// pretrainedCases are the backbones of the files, and what is said of them.
var pretrainedCases = map[string]struct {
	build   nets.Builder
	names   string
	prefix  string
	adapted []string
	leftOut []string
	twins   []string
	eps     float64 // Config.NormEps
	samePad bool    // Config.SamePad
}{
	"resnet of Hugging Face": {build: nets.ResNet{Blocks: []int{1, 2}, Bottleneck: true}.Build, names: "Hugging Face's ResNet", prefix: "resnet.",
		leftOut: []string{"classifier.1.bias", "classifier.1.weight"}},
	"ViT of Hugging Face": {build: tinyViT.Build, names: "Hugging Face's ViT and DINOv2", prefix: "vit.", leftOut: []string{"classifier.bias", "classifier.weight"}},
	"DINOv2 of Hugging Face, fewer patches": {build: with(func(v *nets.ViT) { v.LayerScale = 1 }), names: "Hugging Face's ViT and DINOv2",
		adapted: []string{"pos_embed: positions of 5×5 patches made 3×2, bicubic without antialiasing"}, leftOut: []string{"embeddings.mask_token"}},
	"DINOv2 with registers of Hugging Face, fewer patches": {build: with(func(v *nets.ViT) { v.LayerScale, v.Registers, v.PatchPositions = 1, 2, true }), names: "Hugging Face's ViT and DINOv2",
		adapted: []string{"pos_embed: that of the class token added to it", "pos_embed: positions of 5×5 patches made 3×2, bicubic with antialiasing"}, leftOut: []string{"embeddings.mask_token"}},
	"CLIP of Hugging Face":   {build: with(func(v *nets.ViT) { v.PreNorm, v.Activation, v.Eps = true, "quick-gelu", 1e-5 }), names: "Hugging Face's CLIP and SigLIP"},
	"SigLIP of Hugging Face": {build: with(func(v *nets.ViT) { v.Pool, v.Activation = "attention", "gelu-tanh" }), names: "Hugging Face's CLIP and SigLIP"},
	"CLIP of OpenAI": {build: with(func(v *nets.ViT) { v.PreNorm, v.Activation, v.Eps = true, "quick-gelu", 1e-5 }), names: "OpenAI's CLIP", prefix: "visual.",
		leftOut: []string{"logit_scale", "transformer.resblocks.0.ln_1.weight", "visual.proj"}},
	"ViT of torchvision":      {build: tinyViT.Build, names: "torchvision's ViT", leftOut: []string{"heads.head.bias", "heads.head.weight"}},
	"ConvNeXt of torchvision": {build: nets.ConvNeXt{Depths: []int{1, 2}, Channels: []int{4, 6}}.Build, names: "torchvision's ConvNeXt", leftOut: []string{"classifier.2.bias", "classifier.2.weight"}},
	"EfficientNet of torchvision": {build: nets.EfficientNet{Width: 0.1, Depth: 0.3}.Build, names: "torchvision's EfficientNet",
		leftOut: []string{"classifier.1.bias", "classifier.1.weight"}},
	"EfficientNet of EfficientNet-PyTorch": {build: nets.EfficientNet{Width: 0.1}.Build, names: "EfficientNet-PyTorch's", leftOut: []string{"_fc.bias", "_fc.weight"}, eps: 1e-3, samePad: true},
	"ViT of timm in a checkpoint, fewer patches": {build: tinyViT.Build, names: "torchvision's and timm's", prefix: "model.module.", twins: []string{"model_ema.module."},
		adapted: []string{"pos_embed: positions of 5×5 patches made 3×2, bicubic with antialiasing"}},
	"DINOv2 with registers of its authors": {build: with(func(v *nets.ViT) { v.LayerScale, v.Registers, v.PatchPositions = 1, 2, true }), names: "DINOv2's",
		adapted: []string{"pos_embed: that of the class token added to it"}, leftOut: []string{"mask_token"}},
	"ResNet of torchvision for grey pictures": {build: nets.ResNet{Blocks: []int{1, 1, 1, 1}, Bottleneck: true}.Build, names: "torchvision's and timm's", prefix: "module.",
		adapted: []string{"conv1.weight: filters of three colours added up to one"}},
}

// Files as libraries write them give the features that these libraries compute with them.
func TestLoadWeightsAsOthersDo(t *testing.T) {
	truth := pretrained(t)
	require.Len(t, truth.Cases, len(pretrainedCases))
	for name, c := range pretrainedCases {
		t.Run(name, func(t *testing.T) {
			want := truth.Cases[name]
			cfg := nets.Config{InChannels: want.Shape[1], Height: want.Shape[2], Width: want.Shape[3], Embedding: 3, Channels: []int{4, 6, 8, 8}, Stem: "standard", NormEps: c.eps, SamePad: c.samePad}
			if len(want.Features) == 2*24 {
				cfg.Channels = []int{4, 6}
			}
			cfg = cfg.With(c.build)
			params := graph.NewParams(1)
			r, err := nets.LoadWeights(filepath.Join("testdata", "pretrained", want.File), cfg, params)
			require.NoError(t, err)
			m := newMachine(t, cfg, params, nets.Eval, tensor.Float32, want.Shape[0])
			x := drawnUniform("pictures", tensor.Shape(want.Shape).TotalSize())
			for i := range x {
				x[i] *= 1.7
			}
			fill(m.pictures, x)
			m.run(t)
			got, err := graph.Numbers(m.trunk)
			require.NoError(t, err)
			near(t, want.Features, got, 1e-4, "features")

			assert.Equal(t, c.names, r.Names)
			assert.Equal(t, c.prefix, r.Prefix)
			assert.Equal(t, c.adapted, r.Adapted)
			assert.Equal(t, c.twins, r.Twins)
			assert.Equal(t, []string{"embedding.fc.weight", "embedding.fc.bias"}, r.New)
			if c.twins == nil {
				assert.ElementsMatch(t, c.leftOut, r.LeftOut)
			}
			assert.Len(t, r.Loaded, len(params.Under(nets.BackbonePrefix)))
			assert.Len(t, r.Files[0].SHA256, 64)
		})
	}
}

// Every tensor of torchvision's whole MobileNetV3, whose blocks have no regular names there, is found in its shape.
func TestNamesOfWholeModels(t *testing.T) {
	for model, backbone := range map[string]string{
		"mobilenet_v3_large": "mobilenet-v3-large", "mobilenet_v3_small": "mobilenet-v3-small",
	} {
		t.Run(model, func(t *testing.T) {
			cfg := nets.Config{Backbone: backbone, InChannels: 3, Height: 224, Width: 224, Init: "pytorch"}
			path := hollow(t, "F32", pretrained(t).Names[model])
			params := graph.NewParams(1)
			r, err := nets.LoadWeights(path, cfg, params)
			require.NoError(t, err)
			require.NotEmpty(t, r.LeftOut)
			for _, name := range r.LeftOut {
				require.Contains(t, name, "classifier.3.")
			}
			require.Len(t, r.Loaded, len(params.Under(nets.BackbonePrefix)))
			require.Equal(t, 1e-3, r.NormEps)
			require.Contains(t, r.String(), "these weights want NormEps 0.001")
		})
	}
}

// A file of another network, or none, changes nothing and is told in words.
func TestLoadWeightsRefuses(t *testing.T) {
	cfg := nets.Config{Backbone: "resnet18", InChannels: 3, Height: 64, Width: 64, Channels: []int{4, 6, 8, 8}}
	file := func(name string) string { return filepath.Join("testdata", "pretrained", name) }
	bottlenecks := nets.ResNet{Blocks: []int{1, 1, 1, 1}, Bottleneck: true}
	tiny := nets.Config{InChannels: 3, Height: 48, Width: 48, Channels: []int{4, 6, 8, 8}, Stem: "standard"}
	for name, c := range map[string]struct {
		path string
		cfg  nets.Config
		want []string
	}{
		"other blocks":   {file("tv_resnet.pth"), cfg, []string{"the file is of another network than resnet18, by torchvision's and timm's names: ", "tensors are missing: ", "layer1.1.bn1.bias (4)", " more"}},
		"other channels": {file("tv_resnet.pth"), with4(tiny, []int{5, 6, 8, 8}).With(bottlenecks.Build), []string{"of another shape: ", "module.bn1.bias (4), want (5)"}},
		"small stem":     {file("tv_resnet.pth"), small4(tiny).With(bottlenecks.Build), []string{"module.conv1.weight (4,3,7,7), want (4,3,3,3)"}},
		"no names":       {file("hf_clip.safetensors"), nets.Config{Backbone: "mobilefacenet", InChannels: 3, Height: 112, Width: 112}, []string{"has no tensor of backbone mobilefacenet: its names are ", "such as conv_sep"}},
		"no file":        {"absent.pth", cfg, []string{"absent.pth"}},
		"no weights":     {"pretrained.go", cfg, []string{"none of safetensors, a file of torch.save, and ONNX"}},
		"no network":     {file("tv_resnet.pth"), nets.Config{Backbone: "?"}, []string{`Backbone is "?"`}},
	} {
		t.Run(name, func(t *testing.T) {
			params := graph.NewParams(1)
			if _, err := c.cfg.TrunkSize(); err == nil {
				newMachine(t, c.cfg, params, nets.Eval, tensor.Float32, 1)
			}
			before := values(t, params)
			_, err := nets.LoadWeights(c.path, c.cfg, params)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.Equal(t, before, values(t, params))
		})
	}
	_, err := nets.LoadWeights(file("tv_resnet.pth"), tiny, nil)
	require.ErrorContains(t, err, "params is nil")
	_, err = nets.LoadWeights(file("tv_resnet.pth"), cfg, graph.NewShapes())
	require.ErrorContains(t, err, "a set of NewShapes has no memory to load into")
}

// hollow is a file of tensors of these shapes, all 0, which takes no room on a disk.
func hollow(t *testing.T, dtype string, shapes map[string][]int) string {
	type entry struct {
		Dtype   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	width := map[string]int{"F32": 4, "I8": 1}[dtype]
	header, at := map[string]entry{}, 0
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		n := width * tensor.Shape(shapes[name]).TotalSize()
		header[name] = entry{dtype, shapes[name], [2]int{at, at + n}}
		at += n
	}
	text, err := json.Marshal(header)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "hollow.safetensors")
	require.NoError(t, os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), 0o644))
	require.NoError(t, os.Truncate(path, int64(8+len(text)+at)))
	return path
}

func with4(c nets.Config, channels []int) nets.Config { c.Channels = channels; return c }

func small4(c nets.Config) nets.Config { c.Stem = "small"; return c }

// written is a file of float32s of the network of cfg, each changed by change.
func written(t *testing.T, cfg nets.Config, change func(name string, values []float32)) string {
	params := graph.NewParams(2)
	newMachine(t, cfg, params, nets.Eval, tensor.Float32, 1)
	f := &safetensors.File{}
	for _, item := range params.Under(nets.BackbonePrefix) {
		v := slices.Clone(item.Value.Float32s())
		change(scriptName(item.Name), v)
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: scriptName(item.Name), Shape: item.Shape(), F32: v})
	}
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, safetensors.Write(file, f))
	return path
}

func TestLoadWeightsDoubts(t *testing.T) {
	cfg := nets.Config{Channels: []int{2, 3}, InChannels: 1, Height: 8, Width: 8, Embedding: 2}
	r, err := nets.LoadWeights(written(t, cfg, func(string, []float32) {}), cfg, graph.NewParams(1))
	require.NoError(t, err)
	require.True(t, r.Untrained)
	require.Contains(t, r.String(), "was it ever trained?")
	_, err = nets.LoadWeights(written(t, cfg, func(name string, v []float32) {
		if name == "conv2.weight" {
			v[3] = float32(math.NaN())
		}
	}), cfg, graph.NewParams(1))
	require.ErrorContains(t, err, "the tensor conv2.weight holds NaN at place 3")

	// In float64 too, and whatever the set had before.
	params := graph.NewParams(1)
	newMachine(t, cfg, params, nets.Eval, tensor.Float64, 1)
	_, err = nets.LoadWeights(written(t, cfg, func(_ string, v []float32) { v[0] = 0.25 }), cfg, params)
	require.NoError(t, err)
	for _, item := range params.Under(nets.BackbonePrefix) {
		require.Equal(t, 0.25, item.Value.Float64s()[0], item.Name)
	}
	_, err = nets.LoadWeights(filepath.Join("testdata", "pretrained", "tv_vit.pth"), nets.Config{Backbone: "vit-small-16", InChannels: 3, Height: 32, Width: 32}, graph.NewParams(1))
	require.ErrorContains(t, err, "another network than vit-small-16, by torchvision's ViT names: ")
}

// The weights of a larger ResNet are recognised.
func TestLoadWeightsNamesTheNearest(t *testing.T) {
	params := graph.NewShapes()
	x, _ := graph.Input(gorgonia.NewGraph(), "pictures", 1, 3, 64, 64)
	_, err := nets.Build(nets.Config{Backbone: "resnet34"}, params, x, nets.Eval)
	require.NoError(t, err)
	shapes := map[string][]int{}
	for _, item := range params.Under(nets.BackbonePrefix) {
		shapes[scriptName(item.Name)] = item.Shape()
	}
	path := hollow(t, "F32", shapes)
	_, err = nets.LoadWeights(path, nets.Config{Backbone: "resnet50", InChannels: 3, Height: 64, Width: 64}, graph.NewParams(1))
	require.ErrorContains(t, err, "; these weights seem to be of backbone resnet34")
	_, err = nets.LoadWeights(hollow(t, "I8", shapes), nets.Config{Backbone: "resnet34", InChannels: 3, Height: 64, Width: 64, Init: "pytorch"}, graph.NewParams(1))
	require.ErrorContains(t, err, "holds numbers of type I8: these weights are quantised")
}
