package nets

import (
	"slices"
	"strings"

	"medusa/internal/field"
)

// Config chooses a network. Its zero value is the CNN 32-64-128 with batch normalisation
// and a normalised embedding of 64 numbers, for grey pictures of 28×28.
type Config struct {
	Backbone   string `json:"backbone,omitempty" yaml:"backbone,omitempty"`       // cnn (default), mlp, resnet18, resnet34, or a registered name
	InChannels int    `json:"in_channels,omitempty" yaml:"in_channels,omitempty"` // channels of a picture; 1 if zero
	Height     int    `json:"height,omitempty" yaml:"height,omitempty"`           // of a picture, in pixels; 28 if zero
	Width      int    `json:"width,omitempty" yaml:"width,omitempty"`             // of a picture, in pixels; 28 if zero
	Embedding  int    `json:"embedding,omitempty" yaml:"embedding,omitempty"`     // numbers in an embedding; 64 if zero
	Raw        bool   `json:"raw,omitempty" yaml:"raw,omitempty"`                 // embeddings are left as they come, not divided by their length

	Channels   []int  `json:"channels,omitempty" yaml:"channels,omitempty,flow"` // of each block: cnn 32, 64, 128; resnet 64, 128, 256, 512
	Hidden     []int  `json:"hidden,omitempty" yaml:"hidden,omitempty,flow"`     // widths of mlp's hidden layers; 512, 256
	Norm       string `json:"norm,omitempty" yaml:"norm,omitempty"`              // batch (default; mlp: none) or none
	Activation string `json:"activation,omitempty" yaml:"activation,omitempty"`  // relu (default), leaky-relu, silu or tanh
	Pooling    string `json:"pooling,omitempty" yaml:"pooling,omitempty"`        // between cnn's blocks, 2×2: max (default), avg or none
	Head       string `json:"head,omitempty" yaml:"head,omitempty"`              // cnn's and resnet's last picture to the trunk: avg (default) or max over its pixels, or flatten
	Stem       string `json:"stem,omitempty" yaml:"stem,omitempty"`              // resnet's: standard (7×7 at stride 2, max-pool) or small (3×3); small below 64 pixels if empty

	Dropout float64 `json:"dropout,omitempty" yaml:"dropout,omitempty"` // rate before the embedding's layer and after mlp's hidden ones, in [0, 1)
	Init    string  `json:"init,omitempty" yaml:"init,omitempty"`       // of weights, see Inits; pytorch if empty (resnet's convolutions: he-normal-out, as torchvision's)

	report *report // where Summary collects the layers
}

// The values of Config's fields with few choices; the first is the default.
var (
	norms       = []string{"batch", "none"}
	activations = []string{"relu", "leaky-relu", "silu", "tanh"}
	poolings    = []string{"max", "avg", "none"}
	heads       = []string{"avg", "max", "flatten"}
	stems       = []string{"standard", "small"}
)

// withDefaults fills fields that are zero.
func (c Config) withDefaults() Config {
	setInt(&c.InChannels, 1)
	setInt(&c.Height, 28)
	setInt(&c.Width, 28)
	setInt(&c.Embedding, 64)
	setString(&c.Backbone, "cnn")
	setString(&c.Activation, activations[0])
	setString(&c.Pooling, poolings[0])
	setString(&c.Head, heads[0])
	if c.Backbone == "mlp" {
		setString(&c.Norm, "none")
	}
	setString(&c.Norm, norms[0])
	if min(c.Height, c.Width) < 64 {
		setString(&c.Stem, "small")
	}
	setString(&c.Stem, stems[0])
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
	if _, err := builderOf(c.Backbone); err != nil {
		return err
	}
	if err := given.unused(c.Backbone); err != nil {
		return err
	}
	for _, f := range []struct {
		name  field.Name
		value int
	}{{"InChannels", c.InChannels}, {"Height", c.Height}, {"Width", c.Width}, {"Embedding", c.Embedding}} {
		if f.value < 1 {
			return field.Errorf("nets", "", "%s is %d, want at least 1", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name field.Name
		list []int
	}{{"Channels", c.Channels}, {"Hidden", c.Hidden}} {
		for _, v := range f.list {
			if v < 1 {
				return field.Errorf("nets", "", "%s %v: each must be at least 1", f.name, f.list)
			}
		}
	}
	for _, f := range []struct {
		name  field.Name
		value string
		known []string
	}{
		{"Norm", c.Norm, norms}, {"Activation", c.Activation, activations}, {"Pooling", c.Pooling, poolings},
		{"Head", c.Head, heads}, {"Stem", c.Stem, stems},
	} {
		if err := oneOf(f.name, f.value, f.known); err != nil {
			return err
		}
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		return field.Errorf("nets", "", "%s is %v, want at least 0 and below 1", field.Name("Dropout"), c.Dropout)
	}
	if c.Init != "" {
		return oneOf("Init", c.Init, Inits())
	}
	return nil
}

// uses lists the fields that not every backbone reads; a registered one may read all.
var uses = map[string][]field.Name{
	"mlp":      {"Hidden"},
	"cnn":      {"Channels", "Pooling", "Head"},
	"resnet18": {"Channels", "Head", "Stem"},
	"resnet34": {"Channels", "Head", "Stem"},
}

// unused returns an error for a field that is set, to something else than its default,
// though the backbone does not read it.
func (c Config) unused(backbone string) error {
	read, ours := uses[backbone]
	if !ours {
		return nil
	}
	for _, f := range []struct {
		name field.Name
		set  bool
	}{
		{"Channels", len(c.Channels) > 0}, {"Hidden", len(c.Hidden) > 0}, {"Pooling", other(c.Pooling, poolings)},
		{"Head", other(c.Head, heads)}, {"Stem", c.Stem != ""},
	} {
		if f.set && !slices.Contains(read, f.name) {
			return field.Errorf("nets", "", "%s means nothing to %s %s: leave it out", f.name, field.Name("Backbone"), backbone)
		}
	}
	return nil
}

// other tells whether a choice is neither left open nor the first, the default.
func other(value string, known []string) bool { return value != "" && value != known[0] }

func oneOf(name field.Name, value string, known []string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return field.Errorf("nets", "", "%s is %q, want one of %s", name, value, strings.Join(known, ", "))
}
