package nets_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/nets"
)

// shapesOf are the tensors of a whole backbone, in the shapes that torchvision and timm store, which
// TestWholeBackbonesHaveTheNamesOfOthers checks.
func shapesOf(t *testing.T, backbone string, side int) map[string][]int {
	params := graph.NewShapes()
	x, _ := graph.Input(gorgonia.NewGraph(), "pictures", 1, 3, side, side)
	_, err := nets.Build(nets.Config{Backbone: backbone, Stem: stemOf(backbone)}, params, x, nets.Eval)
	require.NoError(t, err)
	shapes := map[string][]int{}
	for _, item := range params.Under(nets.BackbonePrefix) {
		shapes[scriptName(item.Name)] = item.Shape()
	}
	return shapes
}

func stemOf(backbone string) string {
	if strings.HasPrefix(backbone, "resnet") {
		return "standard"
	}
	return ""
}

func sideOf(backbone string) int {
	if strings.HasPrefix(backbone, "iresnet") || backbone == "mobilefacenet" {
		return 112
	}
	return 224
}

// Every backbone is recognised by its own tensors, though others share most of them.
func TestNearestOfEachBackbone(t *testing.T) {
	found := 0
	for _, name := range nets.Names() {
		if slices.Contains([]string{"cnn", "mlp", "strided"}, name) || strings.HasPrefix(name, "test-") {
			continue
		}
		found++
		t.Run(name, func(t *testing.T) {
			shapes := shapesOf(t, name, sideOf(name))
			shapes["module.fc.weight"] = []int{1000, 7}
			nearest, err := nets.Nearest(hollow(t, "F32", shapes))
			require.NoError(t, err)
			require.Equal(t, name, nearest)
		})
	}
	require.GreaterOrEqual(t, found, 20)
}

// What is left open is taken from the file, and what was asked for stays.
func TestInspectWeights(t *testing.T) {
	file := hollow(t, "F32", shapesOf(t, "resnet18", 64))
	cfg, r, err := nets.InspectWeights(file, nets.Config{})
	require.NoError(t, err)
	require.Equal(t, nets.Config{Backbone: "resnet18", InChannels: 3, Height: 224, Width: 224, Stem: "standard"}, cfg)
	require.Equal(t, "resnet18", r.Backbone)
	require.Len(t, r.Loaded, 100)
	require.Equal(t, "the middle 224×224 of a short side of 235, bicubic, mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225, as timm prepares them", r.Preparation.String())

	cfg, _, err = nets.InspectWeights(file, nets.Config{Backbone: "resnet18", Height: 32, Width: 48, InChannels: 1, Embedding: 5})
	require.NoError(t, err)
	require.Equal(t, nets.Config{Backbone: "resnet18", InChannels: 1, Height: 32, Width: 48, Stem: "standard", Embedding: 5}, cfg)

	small := shapesOf(t, "resnet18", 64)
	small["conv1.weight"] = []int{64, 3, 3, 3}
	cfg, _, err = nets.InspectWeights(hollow(t, "F32", small), nets.Config{Height: 80, Width: 80})
	require.NoError(t, err)
	require.Equal(t, "small", cfg.Stem)

	grey := shapesOf(t, "resnet18", 64)
	grey["conv1.weight"] = []int{64, 1, 7, 7}
	cfg, _, err = nets.InspectWeights(hollow(t, "F32", grey), nets.Config{Height: 64, Width: 64})
	require.NoError(t, err)
	require.Equal(t, nets.Config{Backbone: "resnet18", InChannels: 1, Height: 64, Width: 64, Stem: "standard"}, cfg)

	mobile := hollow(t, "F32", pretrained(t).Names["mobilenet_v3_small"])
	cfg, r, err = nets.InspectWeights(mobile, nets.Config{})
	require.NoError(t, err)
	require.Equal(t, "mobilenet-v3-small", cfg.Backbone)
	require.Equal(t, 1e-3, cfg.NormEps)
	require.Equal(t, "torchvision's small MobileNetV3 networks usually have them", r.Preparation.From)
}

// timm's weights from TensorFlow, by their file's name or by config.json beside them.
func TestInspectWeightsOfTensorFlow(t *testing.T) {
	file := hollow(t, "F32", shapesOf(t, "efficientnet-lite0", 64))
	cfg, report, err := nets.InspectWeights(renamed(t, file, "tf_efficientnet_lite0-0aa007d2.pth"), nets.Config{})
	require.NoError(t, err)
	require.Equal(t, "efficientnet-lite0", cfg.Backbone)
	require.True(t, cfg.SamePad)
	require.Equal(t, 1e-3, cfg.NormEps)
	require.Contains(t, report.String(), "want SamePad")

	file = hollow(t, "F32", shapesOf(t, "efficientnet-lite0", 64))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(file), "config.json"), []byte(`{"architecture": "tf_efficientnet_lite0"}`), 0o600))
	cfg, _, err = nets.InspectWeights(file, nets.Config{})
	require.NoError(t, err)
	require.True(t, cfg.SamePad)

	file = renamed(t, hollow(t, "F32", shapesOf(t, "resnet18", 64)), "tf_resnet18.pth") // which does not know of it
	cfg, _, err = nets.InspectWeights(file, nets.Config{})
	require.NoError(t, err)
	require.False(t, cfg.SamePad)
}

func TestInspectWeightsRefuses(t *testing.T) {
	file := hollow(t, "F32", shapesOf(t, "resnet18", 64))
	for name, c := range map[string]struct {
		path string
		cfg  nets.Config
		want string
	}{
		"another stem":     {file, nets.Config{Stem: "small"}, "Stem is small, but the weights in " + file + " have the standard one (filters of 7×7): leave it out"},
		"another backbone": {file, nets.Config{Backbone: "resnet34"}, "; these weights seem to be of backbone resnet18"},
		"no backbone":      {filepath.Join("testdata", "pretrained", "tv_vit.pth"), nets.Config{}, "holds the whole of no backbone that is known, so say by Backbone which one it is of"},
		"other patches":    {hollow(t, "F32", shapesOf(t, "vit-small-16", 224)), nets.Config{Height: 100, Width: 100}, "pictures of 100×100 do not part into patches of 16×16"},
		"a deeper network": {hollow(t, "F32", shapesOf(t, "resnet34", 64)), nets.Config{Backbone: "resnet18"}, "of another network than resnet18, by torchvision's and timm's names: 80 tensors are among its blocks, which have none such: layer1.2.bn1.bias, "},
		"further layers":   {hollow(t, "F32", extra(shapesOf(t, "resnet18", 64), "layer1.0.se.fc1.weight")), nets.Config{}, "1 tensor is among its blocks, which have none such: layer1.0.se.fc1.weight"},
		"with excitation":  {hollow(t, "F32", shapesOf(t, "efficientnet-b0", 64)), nets.Config{Backbone: "efficientnet-lite0"}, "these weights seem to be of backbone efficientnet-b0"},
		"quantised":        {hollow(t, "I8", shapesOf(t, "mobilenet-v3-small", 64)), nets.Config{}, "these weights are quantised"},
		"no file":          {"absent.pth", nets.Config{}, "absent.pth"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := nets.InspectWeights(c.path, c.cfg)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// renamed is a file under another name.
func renamed(t *testing.T, path, name string) string {
	other := filepath.Join(filepath.Dir(path), name)
	require.NoError(t, os.Rename(path, other))
	return other
}

// extra are shapes with further tensors.
func extra(shapes map[string][]int, names ...string) map[string][]int {
	shapes = maps.Clone(shapes)
	for _, n := range names {
		shapes[n] = []int{3, 4}
	}
	return shapes
}

// Without a file beside the weights, their names tell whose they are, and so how pictures were prepared; a release of
// torchvision is known by its checksum.
func TestPreparationByNames(t *testing.T) {
	for name, c := range map[string]struct {
		shapes        map[string][]int
		backbone, sum string
		want          string
	}{
		"resnet of timm":                  {shapesOf(t, "resnet34", 224), "resnet34", "", "the middle 224×224 of a short side of 235, bicubic, mean 0.485,0.456,0.406, "},
		"second of torchvision":           {shapesOf(t, "resnet50", 224), "resnet50", "11ad3fa6", "the middle 224×224 of a short side of 232, bilinear, mean 0.485,"},
		"ViT of timm":                     {extra(shapesOf(t, "vit-small-16", 224), "head.weight"), "vit-small-16", "", "the middle 224×224 of a short side of 248, bicubic, mean 0.5,0.5,0.5, deviation 0.5,0.5,0.5, as timm"},
		"DINO":                            {shapesOf(t, "vit-small-16", 224), "vit-small-16", "", "the middle 224×224 of a short side of 248, bicubic, mean 0.485,"},
		"DINOv2 of timm":                  {shapesOf(t, "dinov2-small", 224), "dinov2-small", "", "the middle 518×518 of a short side of 518, bicubic, mean 0.485,"},
		"DINOv2 of its authors":           {extra(shapesOf(t, "dinov2-small", 224), "mask_token"), "dinov2-small", "", "the middle 224×224 of a short side of 256, bicubic, mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225, as DINOv2's authors"},
		"CLIP":                            {shapesOf(t, "clip-base-32", 224), "clip-base-32", "", "the middle 224×224 of a short side of 224, bicubic, mean 0.48145"},
		"SigLIP":                          {shapesOf(t, "siglip-base-16", 224), "siglip-base-16", "", "224×224, bicubic, mean 0.5,"},
		"ArcFace":                         {shapesOf(t, "iresnet18", 112), "iresnet18", "", "112×112, bilinear, mean 0.5,0.5,0.5, deviation 0.5,0.5,0.5, as InsightFace"},
		"MobileNet of timm":               {shapesOf(t, "mobilenet-v3-large", 224), "mobilenet-v3-large", "", "the middle 224×224 of a short side of 256, bicubic, "},
		"MobileNet of torchvision":        {pretrained(t).Names["mobilenet_v3_large"], "mobilenet-v3-large", "8738ca79", "the middle 224×224 of a short side of 256, bilinear, "},
		"second MobileNet of torchvision": {pretrained(t).Names["mobilenet_v3_large"], "mobilenet-v3-large", "5c1a4163", "the middle 224×224 of a short side of 232, bilinear, "},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := nets.Prepared(hollow(t, "F32", c.shapes), c.backbone, c.sum+strings.Repeat("0", 56))
			require.NoError(t, err)
			require.Contains(t, p.String(), c.want)
		})
	}
	for file, want := range map[string]string{
		"tv_resnet.pth": "", "hf_dinov2.safetensors": "", "openai_clip.pth": "a short side of 224, bicubic, mean 0.48145", "tv_vit.pth": "a short side of 256, bilinear", "tv_convnext.pth": "a short side of 236, bilinear",
		"tv_efficientnet.pth": "a short side of 256, bicubic", "hf_resnet.safetensors": "a short side of 256, bicubic",
	} {
		build := pretrainedCases[map[string]string{
			"tv_resnet.pth": "ResNet of torchvision for grey pictures", "hf_dinov2.safetensors": "DINOv2 of Hugging Face, fewer patches", "openai_clip.pth": "CLIP of OpenAI", "tv_vit.pth": "ViT of torchvision",
			"tv_convnext.pth": "ConvNeXt of torchvision", "tv_efficientnet.pth": "EfficientNet of torchvision", "hf_resnet.safetensors": "resnet of Hugging Face",
		}[file]].build
		channels := []int{4, 6, 8, 8}
		if file == "hf_resnet.safetensors" {
			channels = []int{4, 6}
		}
		cfg := nets.Config{InChannels: 3, Height: 48, Width: 48, Channels: channels, Stem: "standard"}
		_, r, err := nets.InspectWeights(filepath.Join("testdata", "pretrained", file), cfg.With(build))
		require.NoError(t, err, file)
		assert.Contains(t, r.Preparation.String(), want, file)
	}
}

// inspectBeside writes weights of a small network with files beside them, and gives how pictures are prepared for them.
func inspectBeside(t *testing.T, files map[string]string) (nets.Config, nets.WeightsReport, error) {
	dir := t.TempDir()
	raw, err := os.ReadFile(filepath.Join("testdata", "pretrained", "tv_vit.pth"))
	require.NoError(t, err)
	path := filepath.Join(dir, "weights.pth")
	require.NoError(t, os.WriteFile(path, raw, 0o644))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return nets.InspectWeights(path, nets.Config{Height: 24, Width: 24}.With(tinyViT.Build))
}

// What timm and transformers write beside weights tells how pictures are prepared, and what is added to variances.
func TestPreparationByFilesBeside(t *testing.T) {
	const config, processor = "config.json", "preprocessor_config.json"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
		eps   float64
	}{
		"timm": {map[string]string{config: `{"architecture":"x","pretrained_cfg":{"input_size":[3,288,256],"interpolation":"bilinear","crop_pct":0.8,"mean":[0.1,0.2,0.3],"std":[1,2,3]}}`},
			"the middle 288×256 of a short side of 360, bilinear, mean 0.1,0.2,0.3, deviation 1,2,3, as config.json beside them says", 0},
		"timm, at the top, squeezed": {map[string]string{config: `{"input_size":[3,224,224],"crop_pct":1.0,"crop_mode":"squash","mean":[0,0,0],"std":[1,1,1]}`}, "the middle 224×224 of 224×224, bicubic, mean 0,0,0,", 0},
		"CLIP":                       {map[string]string{processor: `{"crop_size":224,"do_center_crop":true,"size":224,"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 224, bicubic, mean 0.4", 0},
		"DINOv2":                     {map[string]string{processor: `{"crop_size":{"height":224,"width":224},"do_center_crop":true,"size":{"shortest_edge":256},"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 256, bicubic", 0},
		"ViT, with eps":              {map[string]string{processor: `{"size":{"height":224,"width":192},"resample":2,"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]}`, config: `{"layer_norm_eps":1e-12}`}, "224×192, bilinear, mean 0.5,0.5,0.5", 1e-12},
		"eps as the backbone's":      {map[string]string{config: `{"vision_config":{"layer_norm_eps":1e-6}}`}, "as torchvision's ViT networks usually", 0},
		"ConvNeXt":                   {map[string]string{processor: `{"crop_pct":0.875,"size":224,"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 256, bicubic", 0},
		"ConvNeXt, large":            {map[string]string{processor: `{"crop_pct":0.875,"size":{"shortest_edge":384},"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "384×384, bicubic", 0},
		"not normalised":             {map[string]string{processor: `{"size":64,"do_normalize":false,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "64×64, bilinear, mean 0,0,0, deviation 1,1,1", 0},
		"the rest as usual":          {map[string]string{processor: `{"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 256, bilinear, mean 0.4,0.4,0.4", 0},
		"of texts":                   {map[string]string{processor: `{"processor_class":"T"}`, config: `{"model_type":"bert"}`}, "as torchvision's ViT networks usually", 0},
		"both":                       {map[string]string{processor: `{"size":64,"resample":2,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`, config: `{"input_size":[3,9,9]}`}, "64×64", 0},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, r, err := inspectBeside(t, c.files)
			require.NoError(t, err)
			require.Contains(t, r.Preparation.String(), c.want)
			require.Equal(t, c.eps, cfg.NormEps)
			require.Empty(t, r.Preparation.Remarks)
		})
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"no JSON":          {config, `{"a"`, "should say how pictures are prepared for them: mend it, or take it away"},
		"another type":     {processor, `{"size":"large"}`, "preprocessor_config.json beside"},
		"no such filter":   {processor, `{"size":64,"resample":9}`, "resample is 9, want 0 … 5"},
		"too large a part": {processor, `{"size":64,"crop_size":96,"do_center_crop":true}`, "crop_size is 96×96, and size 64"},
		"a huge size":      {config, `{"input_size":[3,99999,1]}`, "pictures of 99999×1"},
		"a negative size":  {processor, `{"size":-4,"resample":2}`, "a side of -4 pixels"},
		"no share":         {config, `{"input_size":[3,64,64],"crop_pct":40}`, "a share of 40 for the middle"},
		"a huge eps":       {config, `{"layer_norm_eps":3}`, "3 is added to variances, want 0 … 0.1"},
		"two means":        {processor, `{"size":64,"image_mean":[1,2],"image_std":[1,2]}`, "2 means and 2 deviations"},
		"a deviation of 0": {processor, `{"size":64,"image_mean":[1,2,3],"image_std":[1,0,2]}`, "deviation 0 of channel 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := inspectBeside(t, map[string]string{c.file: c.text})
			require.ErrorContains(t, err, c.want)
		})
	}
	_, r, err := inspectBeside(t, map[string]string{config: `{"input_size":[3,64,64],"interpolation":"lanczos","crop_mode":"border"}`})
	require.NoError(t, err)
	require.Equal(t, []string{`config.json crops by "border", which is not to be had here: the middle is taken`, "config.json resizes with the filter lanczos, which is not to be had here: bicubic it is"}, r.Preparation.Remarks)
	_, r, err = inspectBeside(t, map[string]string{processor: `{"size":64,"rescale_factor":0.5}`})
	require.NoError(t, err)
	require.Equal(t, []string{"preprocessor_config.json scales values by 0.5, which is not to be had here: 1/255 it is"}, r.Preparation.Remarks)
}

// FuzzFilesBeside reads any bytes beside weights.
func FuzzFilesBeside(f *testing.F) {
	f.Add(`{"input_size":[3,288,256],"crop_pct":0.8,"mean":[0.1],"std":[1]}`, `{"crop_size":{"height":224},"do_center_crop":true,"size":{"shortest_edge":256},"resample":3}`)
	f.Add(`{"layer_norm_eps":1e-6,"pretrained_cfg":{"input_size":[3,2,2]}}`, `{"size":384,"crop_pct":0.9}`)
	dir := f.TempDir()
	path := filepath.Join(dir, "weights.pth")
	f.Fuzz(func(t *testing.T, config, processor string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), []byte(processor), 0o644))
		p, eps, err := nets.PreparedBeside(path)
		if err != nil || p.From == "" {
			return
		}
		require.True(t, eps >= 0 && eps <= 0.1)
		require.True(t, p.Height >= 0 && p.Width >= 0 && p.Height <= 8192 && p.Width <= 8192 && (p.CropPct == 0 || p.CropPct >= 0.1 && p.CropPct <= 1), "%+v", p)
		require.Equal(t, p.Height > 0, p.Width > 0)
		require.Equal(t, p.Height > 0, p.Resize != "")
		require.Contains(t, []string{"", "bilinear", "bicubic"}, p.Filter)
		require.Len(t, p.Std, len(p.Mean))
		require.NotEmpty(t, p.String())
	})
}
