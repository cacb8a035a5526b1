package nets

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/field"
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
	shape := x.Shape()
	for i, n := range channels {
		last := i == len(channels)-1
		if !last && l.fusesPool(x) {
			if x = l.convPool(fmt.Sprintf("conv%d", i+1), fmt.Sprintf("bn%d", i+1), x, n); x.Err() != nil {
				return x, x.Err()
			}
			continue
		}
		late := !last && l.Config.Activation == "relu" && l.Config.Pooling == "max"
		x = l.ConvNorm(fmt.Sprintf("conv%d", i+1), fmt.Sprintf("bn%d", i+1), x, n, Window{Size: 3, Pad: 1}, !late)
		if last {
			break
		}
		if x = l.halve(x, late); x.Err() != nil {
			if shape.Dims() == 4 && min(shape[2], shape[3])>>(i+1) == 0 {
				return x, tooManyBlocks(channels, i, shape[2], shape[3])
			}
			return x, errors.Wrapf(x.Err(), "pooling after block %d of %d", i+1, len(channels))
		}
	}
	x = l.Head(x)
	return x, x.Err()
}

// tooManyBlocks says how many blocks pictures are large enough for, which can be halved so
// many times.
func tooManyBlocks(channels []int, halvings, height, width int) error {
	var fewer []string
	for _, n := range channels[:halvings+1] {
		fewer = append(fewer, strconv.Itoa(n))
	}
	return field.Errorf("nets", "", "pictures of %d×%d allow %d poolings, and between %d blocks there are %d: take fewer blocks (%s %s) or larger pictures (%s)",
		height, width, halvings, len(channels), len(channels)-1, field.Name("Channels"), strings.Join(fewer, ","), field.Names{"Height", "Width"})
}

// fusesPool tells whether block and pooling can be one pass. Summary wants the layers one
// by one.
func (l *Layers) fusesPool(x graph.Expr) bool {
	c := &l.Config
	if x.Err() != nil || x.Shape().Dims() != 4 || x.Shape()[2] < 2 || x.Shape()[3] < 2 {
		return false
	}
	return c.report == nil && c.Pooling == "max" && c.Activation == "relu"
}

// convPool is a block with its pooling. The normalisation of a training batch needs the
// whole convolution first, and is one pass with the pooling alone.
func (l *Layers) convPool(name, norm string, x graph.Expr, out int) graph.Expr {
	w := Window{Size: 3, Pad: 1}
	filters, fanIn, err := l.filters(name, x, out, w)
	if err != nil {
		return graph.Fail(err)
	}
	pool := graph.Pool{Window: [2]int{2, 2}, Relu: true}
	var y graph.Expr
	if l.Config.Norm == "none" {
		y = graph.ConvMaxPool(x, filters, l.bias(name+".bias", x, fanIn, out), w.conv(false), pool)
	} else {
		gamma, beta, mean, variance := l.normParams(norm, x, out)
		if l.Mode == Train && (l.movesStatistics(norm) || !l.Params.Frozen(name+".weight")) {
			y = graph.Conv2D(x, filters, graph.Expr{}, w.conv(false))
			y = graph.BatchNorm{Train: l.movesStatistics(norm)}.NormPool(y, gamma, beta, mean, variance, pool)
		} else {
			y = graph.BatchNorm{}.NormConvPool(x, filters, gamma, beta, mean, variance, w.conv(false), pool)
		}
	}
	if y.Err() != nil {
		return graph.Fail(errors.Wrapf(y.Err(), "nets: layer %s", name))
	}
	return y
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
