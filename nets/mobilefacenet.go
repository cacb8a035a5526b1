package nets

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/graph"
)

func init() {
	provide("mobilefacenet", MobileFaceNet{}.Build, "inverted residual blocks for aligned faces of 112×112, 2.1 million parameters (Chen 2018)")
}

// MobileFaceNet is the small network that face recognition takes, with the names and the form of InsightFace's. The
// last picture is not averaged: each channel has weights of its own for its pixels, so that weights are of one size
// of pictures, 112×112 there, and pictures are square.
//
// S. Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile Devices", CCBR
// 2018.
type MobileFaceNet struct {
	Blocks   []int // of each of four stages; 1, 4, 6, 2 if nil
	Scale    int   // times 64 channels; 2 if zero
	Features int   // numbers of the trunk; 512 if zero
}

// faceGroups are the channels within blocks, of the block that begins each stage but the first, and of the others.
var faceGroups = [4][2]int{{0, 128}, {128, 128}, {256, 256}, {512, 256}}

// Build is a Builder.
func (f MobileFaceNet) Build(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	if f.Blocks == nil {
		f.Blocks = []int{1, 4, 6, 2}
	}
	setInt(&f.Scale, 2)
	setInt(&f.Features, 512)
	if len(f.Blocks) != len(faceGroups) {
		return x, errors.Errorf("a MobileFaceNet of Blocks %v, want four numbers", f.Blocks)
	}
	l := NewLayers(cfg, p, mode)
	l.Init = "he-normal-out"
	x = l.faceConv("layers.0", x, 64*f.Scale, Window{Size: 3, Stride: 2, Pad: 1})
	x = f.first(l, x)
	for s := 1; s < len(f.Blocks); s++ {
		out, groups := 128*f.Scale, faceGroups[s]
		if s == 1 {
			out = 64 * f.Scale
		}
		x = l.faceBlock(fmt.Sprintf("layers.%d", 2*s), l.EndSegment(x), groups[0], out, 2)
		x = l.faceBlocks(fmt.Sprintf("layers.%d", 2*s+1), x, f.Blocks[s], groups[1])
	}
	x = l.faceConv("conv_sep", x, 512, Window{Size: 1})
	x = f.features(l, x)
	return x, x.Err()
}

// first is the first stage; a single block is a convolution.
func (f MobileFaceNet) first(l *Layers, x graph.Expr) graph.Expr {
	if f.Blocks[0] == 1 {
		return l.faceConv("layers.1", x, 64*f.Scale, Window{Size: 3, Pad: 1, Groups: 64})
	}
	return l.faceBlocks("layers.1", x, f.Blocks[0], faceGroups[0][1])
}

// faceConv is a convolution, a normalisation and PReLU.
func (l *Layers) faceConv(name string, x graph.Expr, out int, w Window) graph.Expr {
	return l.prelu(name+".layers.2", l.ConvNorm(name+".layers.0", name+".layers.1", x, out, w))
}

// faceBlock is an inverted residual block without shortcut.
func (l *Layers) faceBlock(name string, x graph.Expr, channels, out, stride int) graph.Expr {
	x = l.faceConv(name+".layers.0", x, channels, Window{Size: 1})
	x = l.faceConv(name+".layers.1", x, channels, Window{Size: 3, Stride: stride, Pad: 1, Groups: channels})
	return l.ConvNorm(name+".layers.2.layers.0", name+".layers.2.layers.1", x, out, Window{Size: 1})
}

// faceBlocks are n blocks beside shortcuts.
func (l *Layers) faceBlocks(name string, x graph.Expr, n, channels int) graph.Expr {
	for i := range n {
		if x.Err() != nil {
			return x
		}
		x = l.EndSegment(x)
		x = l.faceBlock(fmt.Sprintf("%s.layers.%d", name, i), x, channels, x.Shape()[1], 1).Add(x)
	}
	return x
}

// features are sums of each channel's pixels, weighted, and a layer without bias.
func (f MobileFaceNet) features(l *Layers, x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s[2] != s[3] {
		return graph.Fail(errors.Errorf("pictures of %d×%d, and the network is of square ones: take 112×112", l.Config.Height, l.Config.Width))
	}
	x = l.ConvNorm("features.layers.0.layers.0", "features.layers.0.layers.1", x, s[1], Window{Size: s[2], Groups: s[1]}).Flatten()
	if x.Err() != nil {
		return x
	}
	x = graph.Linear(x, l.weight("features.layers.2.weight", x, f.Features, s[1]), graph.Expr{})
	return l.Norm("features.layers.3", l.done("features.layers.2", "linear", x, float64(f.Features*s[1])))
}
