package nets

import (
	"reflect"
	"slices"
	"strings"

	"medusa/internal/catalog"
	"medusa/internal/field"
	"medusa/internal/settings"
)

// Config chooses a network. Its zero value is the CNN 32-64-128 with batch normalisation
// and a normalised embedding of 64 numbers, for grey pictures of 28×28.
type Config struct {
	Backbone   string `json:"backbone,omitempty" yaml:"backbone,omitempty" flag:"backbone" arg:"NAME" doc:"clip-base-16, clip-base-32, cnn, convnext-small, convnext-tiny, dinov2-base, dinov2-small, dinov2-small-registers, efficientnet-b0, efficientnet-lite0, iresnet100, iresnet18, iresnet34, iresnet50, mlp, mobilefacenet, mobilenet-v3-large, mobilenet-v3-small, resnet101, resnet18, resnet34, resnet50, siglip-base-16, vit-base-16, vit-small-16, or onnx:FILE[#TENSOR], a model of ONNX up to its output or a tensor inside" unset:"cnn, for vectors mlp" kind:"a backbone" scheme:"onnx"` // or a registered name
	InChannels int    `json:"in_channels,omitempty" yaml:"in_channels,omitempty" doc:"channels of a picture, as the data have them" min:"1" unset:"1" said:"colour"`
	Height     int    `json:"height,omitempty" yaml:"height,omitempty" doc:"of a picture in pixels, as the data have them" min:"1" unset:"28" said:"size"`
	Width      int    `json:"width,omitempty" yaml:"width,omitempty" doc:"of a picture in pixels, as the data have them" min:"1" unset:"28" said:"size"`
	Embedding  int    `json:"embedding,omitempty" yaml:"embedding,omitempty" flag:"embedding" arg:"E" doc:"numbers in an embedding" min:"1"` // 64 if zero

	Channels   []int  `json:"channels,omitempty" yaml:"channels,omitempty,flow" flag:"channels" arg:"LIST" doc:"cnn, resnet: channels of each block, such as 32,64,128" min:"1" unset:"cnn 32,64,128, resnet 64,128,256,512" for:"cnn,resnet18,resnet34,resnet50,resnet101" want:"each at least 1"`
	Hidden     []int  `json:"hidden,omitempty" yaml:"hidden,omitempty,flow" flag:"hidden" arg:"LIST" doc:"mlp: units of each hidden layer" min:"1" unset:"512,256, for vectors 512" for:"mlp" want:"each at least 1"`
	Norm       string `json:"norm,omitempty" yaml:"norm,omitempty" flag:"norm" arg:"batch|none" doc:"normalisation between layers" unset:"batch, for mlp none" for:"cnn,mlp,resnet18,resnet34,resnet50,resnet101" choices:"batch,none"`
	Activation string `json:"activation,omitempty" yaml:"activation,omitempty" flag:"activation" arg:"NAME" doc:"relu, leaky-relu, silu or tanh" for:"cnn,mlp,resnet18,resnet34,resnet50,resnet101" choices:"relu,leaky-relu,silu,tanh"`                                 // relu if empty
	Pooling    string `json:"pooling,omitempty" yaml:"pooling,omitempty" flag:"pooling" arg:"max|avg|none" doc:"cnn: 2×2, between blocks" for:"cnn" choices:"max,avg,none"`                                                                                              // max if empty
	Head       string `json:"head,omitempty" yaml:"head,omitempty" flag:"head" arg:"avg|max|flatten" doc:"cnn, resnet, onnx: how the last picture (or, of onnx, tokens) becomes features" for:"cnn,resnet18,resnet34,resnet50,resnet101,onnx" choices:"avg,max,flatten"` // avg if empty
	Stem       string `json:"stem,omitempty" yaml:"stem,omitempty" flag:"stem" arg:"small|standard" doc:"resnet: first layers for small pictures (3×3) or for those of ImageNet's size (7×7 at stride 2, max-pool)" unset:"small below 64 pixels" for:"resnet18,resnet34,resnet50,resnet101" choices:"standard,small"`

	SamePad bool    `json:"same_pad,omitempty" yaml:"same_pad,omitempty" doc:"convolutions of stride 2 pad below and to the right of pictures of even sides alone, as TensorFlow does, and weights that were trained with it want" for:"efficientnet-b0,efficientnet-lite0,mobilenet-v3-large,mobilenet-v3-small"`
	NormEps float64 `json:"norm_eps,omitempty" yaml:"norm_eps,omitempty" doc:"added to the variance by which a normalisation divides, as weights from elsewhere were trained with" min:"0" max:"0.1" unset:"as the backbone has it"`

	Dropout float64 `json:"dropout,omitempty" yaml:"dropout,omitempty" flag:"dropout" arg:"PROB" doc:"of the features before the embedding, and after mlp's hidden layers" min:"0" below:"1" want:"at least 0 and below 1"`
	Raw     bool    `json:"raw,omitempty" yaml:"raw,omitempty" flag:"raw" doc:"do not normalise embeddings to length 1"`
	Init    string  `json:"init,omitempty" yaml:"init,omitempty" flag:"init" arg:"NAME" doc:"initial weights" unset:"as PyTorch, resnet's convolutions as torchvision"` // see Inits

	// Graph is what a backbone onnx:FILE computes, without its weights: a compressed model of ONNX, which Portable makes. With it
	// the file is not read any more.
	Graph []byte `json:"graph,omitempty" yaml:"-"`

	report *report // where Summary collects the layers
	again  bool    // see Recomputing
	given  Builder // in place of the one that Backbone names; nil if there is none
}

// With is c with a backbone that is built by b; Backbone then is what errors and files call it,
// and every field may be read by it.
func (c Config) With(b Builder) Config {
	c.given = b
	return c
}

// Recomputing is c of a network that is trained with less memory: its backbone ends segments (graph.EndSegment), so
// that the values within its blocks are not kept for gradients but computed once more.
func (c Config) Recomputing() Config {
	c.again = true
	return c
}

// schema has the ranges and choices that the tags of Config give. The first choice is the
// default.
var schema = settings.Of(reflect.TypeFor[Config](), nil)

// first is the first choice of a field.
func first(name string) string { return schema.Field(name).Choices[0] }

// withDefaults fills fields that are zero.
func (c Config) withDefaults() Config {
	setInt(&c.InChannels, 1)
	setInt(&c.Height, 28)
	setInt(&c.Width, 28)
	setInt(&c.Embedding, 64)
	setString(&c.Backbone, "cnn")
	setString(&c.Activation, first("Activation"))
	setString(&c.Pooling, first("Pooling"))
	setString(&c.Head, first("Head"))
	if c.Backbone == "mlp" {
		setString(&c.Norm, "none")
	}
	setString(&c.Norm, first("Norm"))
	if min(c.Height, c.Width) < 64 {
		setString(&c.Stem, "small")
	}
	setString(&c.Stem, first("Stem"))
	return c
}

func setInt(p *int, v int) {
	if *p == 0 {
		*p = v
	}
}

func setString(p *string, v string) {
	if *p == "" {
		*p = v
	}
}

// Validate says what is wrong with the fields; whether the pictures are large enough
// for the backbone, TrunkSize says.
func (c Config) Validate() error {
	given := c
	c = c.withDefaults()
	if _, err := c.builder(); err != nil {
		return err
	}
	if err := given.unused(c.Backbone); err != nil {
		return err
	}
	for _, f := range schema.Faults(c, "") {
		return field.Errorf("nets", "", "%s is %s, want %s", field.Name(f.Field), f.Value, f.Want)
	}
	if c.Init != "" {
		return oneOf("Init", c.Init, Inits())
	}
	return nil
}

// unused returns an error for a field that is set, to something else than its default,
// though the backbone does not read it, as the tags of Config say. One that is not of this package may
// read all.
func (c Config) unused(backbone string) error {
	kind := backbone
	if isONNX(backbone) {
		kind = "onnx"
	}
	reads := func(o *settings.Option) bool { return o.For == nil || slices.Contains(o.For, kind) }
	if c.given != nil || !provided(backbone) {
		return nil
	}
	for _, f := range []struct {
		name field.Name
		set  bool
	}{
		{"Channels", len(c.Channels) > 0}, {"Hidden", len(c.Hidden) > 0}, {"Pooling", other(c.Pooling, "Pooling")},
		{"Head", other(c.Head, "Head")}, {"Stem", c.Stem != ""}, {"Norm", other(c.Norm, "Norm")}, {"SamePad", c.SamePad}, {"Activation", other(c.Activation, "Activation")},
	} {
		if f.set && !reads(schema.Field(string(f.name))) {
			return field.Errorf("nets", "", "%s means nothing to %s %s: leave it out", f.name, field.Name("Backbone"), backbone)
		}
	}
	if isONNX(backbone) && c.NormEps != 0 {
		return field.Errorf("nets", "", "%s means nothing to %s %s, whose file says it: leave it out", field.Name("NormEps"), field.Name("Backbone"), backbone)
	}
	return nil
}

// other tells whether a choice is neither left open nor the first, the default.
func other(value, name string) bool { return value != "" && value != first(name) }

func oneOf(name field.Name, value string, known []string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return field.Errorf("nets", "", "%s is %q%s, want one of %s", name, value, catalog.Hint(value, known), strings.Join(known, ", "))
}
