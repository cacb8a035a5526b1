package nets

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/graph"
)

func init() {
	provide("convnext-tiny", ConvNeXt{Depths: []int{3, 3, 9, 3}, Channels: []int{96, 192, 384, 768}}.Build,
		"convolutions of 7×7 of each channel by itself, and two layers, 27.8 million parameters (Liu 2022)")
	provide("convnext-small", ConvNeXt{Depths: []int{3, 3, 27, 3}, Channels: []int{96, 192, 384, 768}}.Build,
		"convnext-tiny with more blocks, 49.5 million parameters (Liu 2022)")
}

// ConvNeXt is the network of Z. Liu et al., "A ConvNet for the 2020s", CVPR 2022, with the names and the form of timm's.
type ConvNeXt struct {
	Depths   []int // blocks of each stage
	Channels []int // of each stage
	// LayerScale is what a block's result is multiplied with at first, a learned number for each channel; 1e-6
	// if zero.
	LayerScale float64
}

// Build is a Builder. The trunk is the mean over the pixels of the last stage, normalised.
func (c ConvNeXt) Build(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	if len(c.Depths) == 0 || len(c.Depths) != len(c.Channels) {
		return x, errors.Errorf("a ConvNeXt of Depths %v and Channels %v, want one of each for every stage", c.Depths, c.Channels)
	}
	if c.LayerScale == 0 {
		c.LayerScale = 1e-6
	}
	l := NewLayers(cfg, p, mode)
	l.Init = "transformer"
	x = l.Conv("stem.0", x, c.Channels[0], Window{Size: 4, Stride: 4, Bias: true})
	x = l.channelNorm("stem.1", x)
	for s, depth := range c.Depths {
		stage := fmt.Sprintf("stages.%d", s)
		if s > 0 {
			x = l.Conv(stage+".downsample.1", l.channelNorm(stage+".downsample.0", x), c.Channels[s], Window{Size: 2, Stride: 2, Bias: true})
		}
		for b := range depth {
			x = c.block(l, fmt.Sprintf("%s.blocks.%d", stage, b), l.EndSegment(x))
		}
	}
	x = l.LayerNorm("head.norm", l.done("head", "avg pool", graph.GlobalAvgPool(x), 0))
	return x, x.Err()
}

// block is a convolution and two layers of each pixel beside a shortcut.
func (c ConvNeXt) block(l *Layers, name string, x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	n := x.Shape()[1]
	y := l.Conv(name+".conv_dw", x, n, Window{Size: 7, Pad: 3, Groups: n, Bias: true}).Permute(0, 2, 3, 1)
	y = l.twoLayers(name+".mlp", l.LayerNorm(name+".norm", y), 4*n, graph.Expr.GELU)
	return l.scaled(name+".gamma", y, c.LayerScale).Permute(0, 3, 1, 2).Add(x)
}

// channelNorm is LayerNorm over the channels of each pixel of x (B, C, H, W).
func (l *Layers) channelNorm(name string, x graph.Expr) graph.Expr {
	return l.LayerNorm(name, x.Permute(0, 2, 3, 1)).Permute(0, 3, 1, 2)
}
