package trainer

import (
	"cmp"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/ram"
	"medusa/nets"
)

// bytesLearned is the memory for one learned number: weight, gradient, Adam's two moments, and the copy
// that firstStep makes for a while.
const bytesLearned = 4 + 4 + 8 + 4

// CheckMemory returns an error if a run by c is sure to need more memory than there is, whatever its
// data turn out to be. Where the size of pictures is given, it says so before any are read.
func (c Config) CheckMemory() error {
	d, net := c.Data, c.Net
	if d.Height == 0 && d.Width == 0 || cmp.Or(c.Device, "cpu") != "cpu" {
		return nil
	}
	net.InChannels, net.Height, net.Width = cmp.Or(d.Channels, 1), cmp.Or(d.Height, d.Width), cmp.Or(d.Width, d.Height)
	batch := max(c.Sampler.Batch, max(c.Sampler.P, 1)*max(c.Sampler.K, 1))
	var about *field.Error
	if _, err := nets.Summary(net); err != nil && !errors.As(err, &about) {
		return nil // sizes that are refused with the data, in better words
	}
	return afford(net, max(batch/max(c.Accumulate, 1), 1), true)
}

// afford returns an error if training the network with batches of that size is sure to need more
// memory than there is: for weights, pictures and, on the CPU, the outputs of convolutions, which live
// until their gradients are made. What it lets through may still be too much; then whoever asks for the
// memory returns the error.
func afford(cfg nets.Config, batch int, onCPU bool) error {
	o, err := nets.Summary(cfg)
	var about *field.Error
	if errors.As(err, &about) {
		return field.Under(err, "trainer", "Net")
	}
	if err != nil {
		o = nets.Overview{} // nets.Build tells why
	}
	perPicture := float64(cfg.InChannels) * float64(cfg.Height) * float64(cfg.Width)
	for _, l := range o.Layers {
		if l.Kind != "conv" || !onCPU {
			continue
		}
		n := 1.0
		for _, side := range l.Shape {
			n *= float64(side)
		}
		perPicture += n
	}
	if err := ram.Check(bytesLearned*float64(o.Params) + 4*perPicture*float64(batch)); err != nil {
		narrower := "fewer channels"
		layers := field.Name("Net.Channels")
		switch b := cfg.Backbone; {
		case b == "mlp":
			narrower, layers = "smaller hidden layers", "Net.Hidden"
		case b != "" && b != "cnn" && !strings.HasPrefix(b, "resnet"):
			narrower, layers = "another backbone", "Net.Backbone"
		}
		return field.Errorf("trainer", "", "a network of %d numbers with batches of %d pictures of %d×%d×%d (channels, height, width) %v; "+
			"take smaller pictures (%s), smaller batches (%s), "+narrower+" (%s) or a smaller embedding (%s)",
			o.Params, batch, cfg.InChannels, cfg.Height, cfg.Width, err, field.Names{"Data.Height", "Data.Width"},
			field.Names{"Sampler.P", "Sampler.K", "Sampler.Batch"}, layers, field.Name("Net.Embedding"))
	}
	return nil
}
