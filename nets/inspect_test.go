package nets_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
