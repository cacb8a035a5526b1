package nets_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/nets"
)

func TestConfigRoundTrip(t *testing.T) {
	for _, c := range []nets.Config{
		{},
		{Backbone: "resnet18", InChannels: 3, Height: 64, Width: 48, Embedding: 128, Raw: true, Stem: "small"},
		{Backbone: "mlp", Hidden: []int{10, 20}, Dropout: 0.25, Init: "orthogonal", Norm: "none", Activation: "silu"},
		{Channels: []int{8, 16}, Pooling: "avg", Head: "flatten"},
	} {
		raw, err := json.Marshal(c)
		require.NoError(t, err)
		var j nets.Config
		require.NoError(t, json.Unmarshal(raw, &j))
		assert.Equal(t, c, j)
		raw, err = yaml.Marshal(c)
		require.NoError(t, err)
		var y nets.Config
		require.NoError(t, yaml.Unmarshal(raw, &y))
		assert.Equal(t, c, y)
	}
	raw, err := json.Marshal(nets.Config{})
	require.NoError(t, err)
	assert.Equal(t, "{}", string(raw))
}

func TestConfigErrors(t *testing.T) {
	require.NoError(t, nets.Config{}.Validate())
	require.NoError(t, nets.Config{Backbone: "mlp", Pooling: "max", Head: "avg"}.Validate(), "defaults that are said")
	for want, c := range map[string]nets.Config{
		`Backbone is "vgg", want one of clip-base-16, clip-base-32, cnn, `: {Backbone: "vgg"},
		"InChannels is -1":             {InChannels: -1},
		"Height is -2":                 {Height: -2},
		"Embedding is -64":             {Embedding: -64},
		"Channels is [8 0]":            {Channels: []int{8, 0}},
		"Hidden is [-3]":               {Backbone: "mlp", Hidden: []int{-3}},
		`Norm is "layer", want one of`: {Norm: "layer"},
		`Activation is "gelu"`:         {Activation: "gelu"},
		`Pooling is "sum"`:             {Pooling: "sum"},
		`Head is "gem"`:                {Head: "gem"},
		`Stem is "large"`:              {Backbone: "resnet18", Stem: "large"},
		"Channels means nothing to Backbone mlp: leave it out": {Backbone: "mlp", Channels: []int{4}},
		"Hidden means nothing to Backbone cnn":                 {Hidden: []int{4}},
		"Pooling means nothing to Backbone resnet34":           {Backbone: "resnet34", Pooling: "avg"},
		"Stem means nothing to Backbone cnn":                   {Stem: "small"},
		"Head means nothing to Backbone mlp":                   {Backbone: "mlp", Head: "max"},
		"Dropout is 1,":                                        {Dropout: 1},
		`Init is "xavier", want one of`:                        {Init: "xavier"},
	} {
		assert.ErrorContains(t, c.Validate(), "nets: "+want)
		_, err := c.TrunkSize()
		assert.ErrorContains(t, err, want)
		_, err = nets.Summary(c)
		assert.ErrorContains(t, err, want)
	}
	_, err := nets.Config{Height: 2, Width: 2, Channels: []int{4, 4, 4}}.TrunkSize()
	assert.ErrorContains(t, err, "nets: pictures of 2×2 allow 1 poolings, and between 3 blocks there are 2: take fewer blocks (Channels 4,4) or larger pictures (Height and Width)")
	_, err = nets.Config{Height: 2, Width: 2, Channels: []int{4, 4}}.TrunkSize()
	assert.NoError(t, err, "what the message advises")
	_, err = nets.Config{Backbone: "resnet18", Channels: []int{1, 2, 3, 4, 5}}.TrunkSize()
	assert.ErrorContains(t, err, "backbone resnet18: 5 channels [1 2 3 4 5], want at most 4")
}

func TestBuildErrors(t *testing.T) {
	g := gorgonia.NewGraph()
	x := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(2, 3, 8, 8), gorgonia.WithName("x"))
	flat := gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(2, 192), gorgonia.WithName("flat"))
	whole := gorgonia.NewTensor(g, tensor.Int, 4, gorgonia.WithShape(2, 3, 8, 8), gorgonia.WithName("whole"))
	one := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(1, 1, 1, 1), gorgonia.WithName("one"))
	p := graph.NewParams(1)
	for _, c := range []struct {
		want string
		cfg  nets.Config
		p    *graph.Params
		x    *gorgonia.Node
		mode nets.Mode
	}{
		{"params is nil", nets.Config{}, nil, x, nets.Train},
		{"unknown mode 7", nets.Config{}, p, x, 7},
		{"node is nil", nets.Config{}, p, nil, nets.Train},
		{"want float32 or float64", nets.Config{}, p, whole, nets.Train},
		{"shape (2, 192), want (B, C, H, W)", nets.Config{}, p, flat, nets.Train},
		{"shape (2, 3, 8, 8), want (2, 1, 8, 8) as configured", nets.Config{InChannels: 1}, p, x, nets.Train},
		{"one number a channel", nets.Config{Channels: []int{2}}, p, one, nets.Train},
		{`Backbone is "?", want one of clip-base-16, `, nets.Config{Backbone: "?"}, p, x, nets.Train},
	} {
		_, err := nets.Build(c.cfg, c.p, c.x, c.mode)
		assert.ErrorContains(t, err, c.want)
	}
	// Parameters of another network.
	p = graph.NewParams(1)
	_, err := nets.Build(nets.Config{Channels: []int{4}}, p, x, nets.Train)
	require.NoError(t, err)
	_, err = nets.Build(nets.Config{Channels: []int{5}}, p, x, nets.Train)
	assert.ErrorContains(t, err, "parameter backbone.conv1.weight has shape (4, 3, 3, 3)")
}

func TestRegister(t *testing.T) {
	nets.Register("test-pixels", func(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
		if cfg.Height > 100 {
			return x, nil // not a matrix
		}
		return nets.NewLayers(cfg, p, mode).Linear("pixels", x.Flatten(), 10), nil
	})
	assert.Contains(t, nets.Names(), "test-pixels")
	n, err := nets.Config{Backbone: "test-pixels", Height: 4, Width: 5}.TrunkSize()
	require.NoError(t, err)
	assert.Equal(t, 10, n)
	s, err := nets.Summary(nets.Config{Backbone: "test-pixels", Height: 4, Width: 5, Embedding: 3})
	require.NoError(t, err)
	assert.Equal(t, 4*5*10+10+10*3+3, s.Params)
	require.Len(t, s.Layers, 2)
	_, err = nets.Config{Backbone: "test-pixels", Height: 101}.TrunkSize()
	assert.ErrorContains(t, err, "backbone test-pixels gives shape (1, 1, 101, 28), want (1, F)")
	for _, again := range []func(){
		func() {
			nets.Register("test-pixels", func(nets.Config, *graph.Params, graph.Expr, nets.Mode) (graph.Expr, error) { return graph.Expr{}, nil })
		},
		func() { nets.Register("test-nil", nil) },
	} {
		assert.Panics(t, again)
	}
}
