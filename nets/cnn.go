package nets

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/field"
)

func init() {
	provide("cnn", cnn, "a convolution of 3×3 a block, each with normalisation, activation and pooling")
}

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
		if i > 0 {
			x = l.EndSegment(x)
		}
		x = l.Activate(l.ConvNorm(fmt.Sprintf("conv%d", i+1), fmt.Sprintf("bn%d", i+1), x, n, Window{Size: 3, Pad: 1}))
		if i == len(channels)-1 {
			break
		}
		if x = l.halve(x); x.Err() != nil {
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

// halve pools windows of 2×2 as Config.Pooling says.
func (l *Layers) halve(x graph.Expr) graph.Expr {
	p := graph.Pool{Window: [2]int{2, 2}}
	switch l.Config.Pooling {
	case "none":
		return x
	case "avg":
		return graph.AvgPool(x, p)
	}
	return graph.MaxPool(x, p)
}
