package trainer

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/ram"
	"medusa/nets"
)

// What a learned number takes: weight, gradient and, of Adam, two moments; and for a moment
// a copy (see moved).
const bytesLearned = 4 + 4 + 8 + 4

// afford returns an error if training the network with batches of that size needs more memory
// than there is for sure: weights, pictures and, on the CPU, the outputs of convolutions,
// which live until their gradients are made. What it lets through may still be too much, and
// is told of where memory is asked for.
func afford(cfg nets.Config, batch int, dev *graph.Device) error {
	o, err := nets.Summary(cfg)
	if err != nil {
		o = nets.Overview{} // nets.Build tells why
	}
	perPicture := float64(cfg.InChannels) * float64(cfg.Height) * float64(cfg.Width)
	for _, l := range o.Layers {
		if l.Kind != "conv" || dev.Name() != "cpu" {
			continue
		}
		n := 1.0
		for _, side := range l.Shape {
			n *= float64(side)
		}
		perPicture += n
	}
	if err := ram.Check(bytesLearned*float64(o.Params) + 4*perPicture*float64(batch)); err != nil {
		return errors.Errorf("trainer: a network of %d numbers with batches of %d pictures of %d×%d×%d (channels, height, width) %v; "+
			"take smaller pictures, smaller batches, fewer channels or a smaller embedding", o.Params, batch, cfg.InChannels, cfg.Height, cfg.Width, err)
	}
	return nil
}
