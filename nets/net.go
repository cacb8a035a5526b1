package nets

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// Mode tells what a network is built for.
type Mode int

// The modes. Batch normalisation and dropout differ between them.
const (
	Train Mode = iota
	Eval       // no gradient flows to the weights
)

// The beginnings of the names of a network's parameters.
const (
	BackbonePrefix  = "backbone."
	EmbeddingPrefix = "embedding." // of the embedding's layer, fc, and what stands before it
)

// Net is a network in a graph.
type Net struct {
	Trunk     *gorgonia.Node // features (B, F) before the embedding's layer
	Raw       *gorgonia.Node // (B, E), the embedding's layer's output
	Embedding *gorgonia.Node // (B, E), rows of length 1; Raw if Config.Raw
}

// Build adds the network of cfg to the graph of x, a node of pictures (B, C, H, W) in
// float32 or float64, through which no gradient flows. Weights are taken from params, under
// BackbonePrefix and EmbeddingPrefix, and made there at first use, so a second graph with the
// same params shares them. Where cfg
// leaves InChannels, Height and Width zero, those of x hold. After an error params may
// hold some of the weights.
func Build(cfg Config, params *graph.Params, x *gorgonia.Node, mode Mode) (Net, error) {
	return build(cfg, params, graph.Data(x), mode)
}

// BuildUnfused is Build with every layer by itself (see graph.Expr.Unfused). It computes the same, but for
// rounding, more slowly: to compare with.
func BuildUnfused(cfg Config, params *graph.Params, x *gorgonia.Node, mode Mode) (Net, error) {
	return build(cfg, params, graph.Data(x).Unfused(), mode)
}

func build(cfg Config, params *graph.Params, in graph.Expr, mode Mode) (net Net, err error) {
	defer graph.Guard("building the network", &err)
	if cfg, err = cfg.checked(params, in, mode); err != nil {
		return net, err
	}
	trunk, raw, err := cfg.build(params, in, mode)
	if err != nil {
		return net, err
	}
	return cfg.net(trunk, raw)
}

// BuildTrunk is the backbone of Build alone: features (B, F), which BuildHead makes embeddings of.
func BuildTrunk(cfg Config, params *graph.Params, x *gorgonia.Node, mode Mode) (trunk *gorgonia.Node, err error) {
	defer graph.Guard("building the backbone", &err)
	in := graph.Data(x)
	if cfg, err = cfg.checked(params, in, mode); err != nil {
		return nil, err
	}
	features, err := cfg.buildTrunk(params, in, mode)
	if err != nil {
		return nil, err
	}
	return features.Node()
}

// BuildHead is Build without the backbone: the embeddings of features (B, F), a node through which no gradient flows, such as
// those that a BuildTrunk of another graph made once for all.
func BuildHead(cfg Config, params *graph.Params, features *gorgonia.Node, mode Mode) (net Net, err error) {
	defer graph.Guard("building the layers behind the backbone", &err)
	in := graph.Data(features)
	switch {
	case params == nil:
		return net, errNoParams
	case in.Err() != nil:
		return net, in.Err()
	case in.Shape().Dims() != 2:
		return net, errors.Errorf("nets: features of shape %v, want (B, F)", in.Shape())
	}
	if err := cfg.Validate(); err != nil {
		return net, err
	}
	cfg = cfg.withDefaults()
	raw, err := cfg.buildHead(params, in, mode)
	if err != nil {
		return net, err
	}
	return cfg.net(in, raw)
}

var errNoParams = errors.New("nets: params is nil, want graph.NewParams(seed)")

// checked is c with the sizes of the pictures.
func (c Config) checked(params *graph.Params, pictures graph.Expr, mode Mode) (Config, error) {
	if params == nil {
		return c, errNoParams
	}
	if mode != Train && mode != Eval {
		return c, errors.Errorf("nets: unknown mode %d, want Train or Eval", mode)
	}
	c, err := c.fitting(pictures)
	if err != nil {
		return c, err
	}
	return c, c.Validate()
}

// net is the network of what was built.
func (c Config) net(trunk, raw graph.Expr) (net Net, err error) {
	embedding := raw
	if !c.Raw {
		embedding = graph.Normalize(raw)
	}
	net.Trunk, _ = trunk.Node()
	net.Raw, _ = raw.Node()
	net.Embedding, err = embedding.Node()
	return net, err
}

// fitting takes the pictures' sizes from x, or says that they are others than cfg's.
func (c Config) fitting(x graph.Expr) (Config, error) {
	if err := x.Err(); err != nil {
		return c, err
	}
	s := x.Shape()
	if s.Dims() != 4 {
		return c, errors.Errorf("nets: pictures of shape %v, want (B, C, H, W)", s)
	}
	setInt(&c.InChannels, s[1])
	setInt(&c.Height, s[2])
	setInt(&c.Width, s[3])
	if want := []int{s[0], c.InChannels, c.Height, c.Width}; !slices.Equal(s, want) {
		return c, errors.Errorf("nets: pictures of shape %v, want %v as configured", s, tensor.Shape(want))
	}
	return c, nil
}

// build gives the trunk's features and the embeddings before they are normalised.
func (c Config) build(params *graph.Params, x graph.Expr, mode Mode) (trunk, raw graph.Expr, err error) {
	if trunk, err = c.buildTrunk(params, x, mode); err != nil {
		return trunk, raw, err
	}
	raw, err = c.withDefaults().buildHead(params, trunk, mode)
	return trunk, raw, err
}

func (c Config) buildTrunk(params *graph.Params, x graph.Expr, mode Mode) (trunk graph.Expr, err error) {
	c = c.withDefaults()
	backbone, err := c.builder()
	if err != nil {
		return trunk, err
	}
	if trunk, err = backbone(c, params.Sub(BackbonePrefix), x, mode); err == nil {
		err = trunk.Err()
	}
	if err != nil {
		return trunk, errors.Wrapf(err, "nets: backbone %s", c.Backbone)
	}
	if s := trunk.Shape(); s.Dims() != 2 || s[0] != x.Shape()[0] {
		return trunk, errors.Errorf("nets: backbone %s gives shape %v, want (%d, F)", c.Backbone, s, x.Shape()[0])
	}
	return trunk, nil
}

// buildHead gives the embeddings before they are normalised.
func (c Config) buildHead(params *graph.Params, trunk graph.Expr, mode Mode) (graph.Expr, error) {
	l := NewLayers(c, params.Sub(EmbeddingPrefix), mode)
	raw := l.Linear("fc", l.Dropout("dropout", trunk), c.Embedding)
	return raw, raw.Err()
}

// TrunkSize is F, the number of features before the embedding's layer. It fails if the
// pictures are too small for the backbone.
func (c Config) TrunkSize() (int, error) {
	r, err := c.describe()
	if err != nil {
		return 0, err
	}
	return r.trunk, nil
}

// describe builds the network for one picture in a graph of its own, without values for
// the weights, and reports its layers.
func (c Config) describe() (r *report, err error) {
	defer graph.Guard("building the network", &err)
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r = &report{params: graph.NewShapes()}
	c = c.withDefaults()
	c.report = r
	g := gorgonia.NewGraph()
	x := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithName("pictures"),
		gorgonia.WithShape(1, c.InChannels, c.Height, c.Width))
	trunk, _, err := c.build(r.params, graph.Data(x), Eval)
	if err != nil {
		return nil, err
	}
	r.trunk = trunk.Shape()[1]
	return r, nil
}
