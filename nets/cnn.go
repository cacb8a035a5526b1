package nets

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/graph"
)

// cnn is a chain of blocks of Config.Channels filters: convolution 3×3 with padding 1
// (conv1, conv2, …), normalisation (bn1, …), activation and, after each block but the
// last, 2×2 pooling; then the head.
func cnn(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	l := NewLayers(cfg, p, mode)
	channels := cfg.Channels
	if len(channels) == 0 {
		channels = []int{32, 64, 128}
	}
	for i, n := range channels {
		last := i == len(channels)-1
		late := !last && l.Config.Activation == "relu" && l.Config.Pooling == "max"
		x = l.ConvNorm(fmt.Sprintf("conv%d", i+1), fmt.Sprintf("bn%d", i+1), x, n, Window{Size: 3, Pad: 1}, !late)
		if last {
			break
		}
		if x = l.halve(x, late); x.Err() != nil {
			return x, errors.Wrapf(x.Err(), "pooling after block %d of %d; take fewer channels or larger pictures", i+1, len(channels))
		}
	}
	x = l.Head(x)
	return x, x.Err()
}

// halve pools windows of 2×2 as Config.Pooling says. relu cuts maxima at zero: the same as
// a ReLU before, for less work.
func (l *Layers) halve(x graph.Expr, relu bool) graph.Expr {
	p := graph.Pool{Window: [2]int{2, 2}, Relu: relu}
	switch l.Config.Pooling {
	case "none":
		return x
	case "avg":
		return graph.AvgPool(x, p)
	}
	return graph.MaxPool(x, p)
}
