package nets_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/nets"
)

const onnxModels = "../internal/onnxgraph/testdata/"

// trunkOf is the shape of the features of a backbone.
func trunkOf(cfg nets.Config, params *graph.Params) ([]int, error) {
	g := gorgonia.NewGraph()
	x, _ := graph.Input(g, "pictures", 2, 3, 16, 16)
	net, err := nets.Build(cfg, params, x, nets.Train)
	if err != nil {
		return nil, err
	}
	return net.Trunk.Shape(), nil
}

// What a model is cut at becomes features: vectors as they are, pictures and tokens by Head.
func TestONNXHead(t *testing.T) {
	for _, c := range []struct {
		backbone, head string
		features       int
	}{
		{"mixed.onnx", "", 10},
		{"mixed.onnx#/prelu/PRelu_output_0", "", 8},
		{"mixed.onnx#/prelu/PRelu_output_0", "max", 8},
		{"mixed.onnx#/prelu/PRelu_output_0", "flatten", 8 * 8 * 8},
		{"vit-fixed.onnx#/encoder/ln/LayerNormalization_output_0", "", 8},
		{"vit-fixed.onnx#/encoder/ln/LayerNormalization_output_0", "flatten", 5 * 8},
	} {
		params := graph.NewParams(1)
		shape, err := trunkOf(nets.Config{Backbone: nets.ONNXPrefix + onnxModels + c.backbone, Head: c.head}, params)
		require.NoError(t, err, c.backbone)
		require.Equal(t, []int{2, c.features}, shape, "%s %s", c.backbone, c.head)
		for _, p := range params.All() {
			require.Regexp(t, `^(backbone|embedding)\.`, p.Name)
		}
	}
}

func TestONNXConfig(t *testing.T) {
	cfg := nets.Config{Backbone: nets.ONNXPrefix + onnxModels + "vit-fixed.onnx"}
	require.True(t, cfg.BuiltIn())
	require.True(t, nets.Convolves(cfg.Backbone))
	require.NoError(t, cfg.Validate())
	c, h, w, err := cfg.FixedInput()
	require.NoError(t, err)
	require.Equal(t, []int{3, 16, 16}, []int{c, h, w})
	require.Empty(t, cfg.Warnings())

	cfg.InChannels, cfg.Height, cfg.Width = 3, 16, 16
	overview, err := nets.Summary(cfg)
	require.NoError(t, err)
	require.Equal(t, 5, overview.Trunk)
	require.Equal(t, "conv_proj", overview.Layers[0].Name)

	for _, c := range []struct {
		spoil func(*nets.Config)
		want  string
	}{
		{func(c *nets.Config) { c.Hidden = []int{3} }, "Hidden means nothing to Backbone onnx:"},
		{func(c *nets.Config) { c.NormEps = 0.1 }, "NormEps means nothing to Backbone onnx:"},
		{func(c *nets.Config) { c.Backbone = "onnx:" }, "want the file behind it: onnx:FILE or onnx:FILE#TENSOR"},
		{func(c *nets.Config) { c.Backbone = "onnx:nowhere.onnx" }, "there is no file nowhere.onnx"},
		{func(c *nets.Config) { c.Height = 17 }, "pictures are (3, 17, 16), and the file takes (3, 16, 16)"},
		{func(c *nets.Config) { c.Backbone += "#/encoder/Concat_output_0" }, "did you mean"},
		{func(c *nets.Config) { c.Backbone = "onxx" }, "onnx:FILE"},
		{func(c *nets.Config) { c.Graph = []byte("nothing") }, "the stored graph of the backbone"},
	} {
		bad := cfg
		c.spoil(&bad)
		_, err := nets.Summary(bad)
		require.ErrorContains(t, err, c.want)
	}
}

// A file that is written anew is read anew, and with a stored graph none is read.
func TestONNXFileIsReadAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a#b.onnx")
	copyOf := func(name string) {
		raw, err := os.ReadFile(onnxModels + name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, raw, 0o600))
	}
	copyOf("vit-fixed.onnx")
	cfg := nets.Config{Backbone: nets.ONNXPrefix + path}
	shape, err := trunkOf(cfg, graph.NewParams(1))
	require.NoError(t, err)
	require.Equal(t, []int{2, 5}, shape)
	portable, err := cfg.Portable()
	require.NoError(t, err)
	copyOf("mixed.onnx")
	shape, err = trunkOf(cfg, graph.NewParams(1))
	require.NoError(t, err)
	require.Equal(t, []int{2, 10}, shape)
	require.NoError(t, os.Remove(path))
	shape, err = trunkOf(portable, graph.NewParams(1))
	require.NoError(t, err)
	require.Equal(t, []int{2, 5}, shape)
}
