package trainer

import (
	"cmp"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/field"
	"medusa/internal/ram"
	"medusa/machine"
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
	if c.Recompute {
		net = net.Recomputing()
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
// memory than there is: for weights, pictures and, on the CPU, the outputs of convolutions. What it lets
// through may still be too much; then whoever asks for the memory returns the error.
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
	if onCPU {
		perPicture += outputsAtOnce(o)
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

// runOn is machine.On for a step with batches of that size, with advice where there is not the memory for it.
func runOn(g *gorgonia.ExprGraph, cfg nets.Config, batch int, dev *machine.Device, params *graph.Params) (gorgonia.VM, error) {
	vm, err := machine.On(g, dev, params)
	var missing *machine.MemoryError
	if errors.As(err, &missing) {
		err = field.Errorf("trainer", "", "a step with %d pictures of %d×%d×%d (channels, height, width) %s; take smaller batches (%s), smaller pictures (%s), "+
			"compute batches in parts (%s), or compute again for gradients what is not kept then (%s)", batch, cfg.InChannels, cfg.Height, cfg.Width, missing.Reason,
			field.Names{"Sampler.P", "Sampler.K", "Sampler.Batch"}, field.Names{"Data.Height", "Data.Width"}, field.Name("Accumulate"), field.Name("Recompute"))
	}
	return vm, err
}

// outputsAtOnce is how many outputs of convolutions live at once for each picture, at least. They live until their
// gradients are made; those of a segment are made again for that, when the ends of the segments before it live too.
func outputsAtOnce(o nets.Overview) float64 {
	most, ends, within, segment := 0.0, 0.0, 0.0, 0
	for _, l := range o.Layers {
		for ; segment < l.Segment; segment++ {
			most = max(most, ends+within)
			ends, within = ends+numbersIn(o.Ends[segment]), 0
		}
		if l.Kind == "conv" {
			within += numbersIn(l.Shape)
		}
	}
	return max(most, ends+within)
}

func numbersIn(shape []int) float64 {
	n := 1.0
	for _, side := range shape {
		n *= float64(side)
	}
	return n
}
