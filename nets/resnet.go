package nets

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/graph"
)

// resnet is the residual network of basic blocks, so many in each of four stages, with
// the names and the form of torchvision's: K. He et al., "Deep Residual Learning for
// Image Recognition", CVPR 2016. The small stem, one convolution of 3×3 without pooling,
// is the paper's for CIFAR-10.
func resnet(blocks ...int) Builder {
	return func(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
		l := NewLayers(cfg, p, mode)
		l.Init = "he-normal-out"
		channels := cfg.Channels
		if len(channels) == 0 {
			channels = []int{64, 128, 256, 512}
		}
		if len(channels) > len(blocks) {
			return x, errors.Errorf("%d channels %v, want at most %d: one for each stage", len(channels), channels, len(blocks))
		}
		x = l.stem(x, channels[0])
		for stage, n := range channels {
			for b := range blocks[stage] {
				stride := 1
				if stage > 0 && b == 0 {
					stride = 2
				}
				x = l.basicBlock(fmt.Sprintf("layer%d.%d", stage+1, b), x, n, stride)
			}
		}
		x = l.Head(x)
		return x, x.Err()
	}
}

func (l *Layers) stem(x graph.Expr, channels int) graph.Expr {
	if l.Config.Stem == "small" {
		return l.Activate(l.ConvNorm("conv1", "bn1", x, channels, Window{Size: 3, Pad: 1}))
	}
	x = l.Activate(l.ConvNorm("conv1", "bn1", x, channels, Window{Size: 7, Stride: 2, Pad: 3}))
	return graph.MaxPool(x, graph.Pool{Window: pair(3), Stride: pair(2), Pad: pair(1)})
}

// basicBlock is two convolutions of 3×3 beside a shortcut, which is a convolution of 1×1
// where the shape changes.
func (l *Layers) basicBlock(name string, x graph.Expr, channels, stride int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	y := l.Activate(l.ConvNorm(name+".conv1", name+".bn1", x, channels, Window{Size: 3, Stride: stride, Pad: 1}))
	y = l.ConvNorm(name+".conv2", name+".bn2", y, channels, Window{Size: 3, Pad: 1})
	if stride != 1 || x.Shape()[1] != channels {
		x = l.ConvNorm(name+".downsample.0", name+".downsample.1", x, channels, Window{Size: 1, Stride: stride})
	}
	return l.Activate(y.Add(x))
}
