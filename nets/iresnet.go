package nets

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/graph"
)

func init() {
	const doc = "residual blocks for aligned faces of 112×112, as ArcFace, "
	provide("iresnet18", IResNet{Blocks: []int{2, 2, 2, 2}}.Build, doc+"18 layers (Deng 2019)")
	provide("iresnet34", IResNet{Blocks: []int{3, 4, 6, 3}}.Build, doc+"34 layers (Deng 2019)")
	provide("iresnet50", IResNet{Blocks: []int{3, 4, 14, 3}}.Build, doc+"50 layers (Deng 2019)")
	provide("iresnet100", IResNet{Blocks: []int{3, 13, 30, 3}}.Build, doc+"100 layers (Deng 2019)")
}

// IResNet is the residual network that face recognition takes, with the names and the form of InsightFace's: blocks
// begin with a normalisation and end without activation, the activation is PReLU, and the last picture is not
// averaged but goes through a layer as it is, so that weights are of one size of pictures, 112×112 there.
//
// J. Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019; I. C. Duta et al.,
// "Improved Residual Networks for Image and Video Recognition", ICPR 2020.
type IResNet struct {
	Blocks   []int // of each of four stages
	Channels []int // of each stage; 64, 128, 256, 512 if nil
	Features int   // numbers of the trunk; 512 if zero
}

// Build is a Builder.
func (r IResNet) Build(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	if r.Channels == nil {
		r.Channels = []int{64, 128, 256, 512}
	}
	setInt(&r.Features, 512)
	if len(r.Blocks) == 0 || len(r.Blocks) != len(r.Channels) {
		return x, errors.Errorf("an IResNet of Blocks %v and Channels %v, want one of each for every stage", r.Blocks, r.Channels)
	}
	l := NewLayers(cfg, p, mode)
	l.Init = "he-normal-out"
	x = l.prelu("prelu", l.ConvNorm("conv1", "bn1", x, r.Channels[0], Window{Size: 3, Pad: 1}))
	for s, n := range r.Channels {
		for b := range r.Blocks[s] {
			x = improvedBlock(l, fmt.Sprintf("layer%d.%d", s+1, b), l.EndSegment(x), n, 2-min(b, 1))
		}
	}
	x = l.Linear("fc", l.Norm("bn2", x).Flatten(), r.Features)
	x = l.lastNorm("features", x)
	return x, x.Err()
}

// improvedBlock is two convolutions of 3×3 beside a shortcut; the second has the stride.
func improvedBlock(l *Layers, name string, x graph.Expr, channels, stride int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	y := l.ConvNorm(name+".conv1", name+".bn2", l.Norm(name+".bn1", x), channels, Window{Size: 3, Pad: 1})
	y = l.ConvNorm(name+".conv2", name+".bn3", l.prelu(name+".prelu", y), channels, Window{Size: 3, Stride: stride, Pad: 1})
	if stride != 1 || x.Shape()[1] != channels {
		x = l.ConvNorm(name+".downsample.0", name+".downsample.1", x, channels, Window{Size: 1, Stride: stride})
	}
	return y.Add(x)
}

// prelu is x (B, C, …), times name.weight (C) where it is below 0.
func (l *Layers) prelu(name string, x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	return x.PReLU(l.learned(name+".weight", x, graph.Fill(0.25), x.Shape()[1]))
}

// lastNorm is a normalisation of features (B, F) whose γ stays 1.
func (l *Layers) lastNorm(name string, x graph.Expr) graph.Expr {
	if err := l.Params.LearnAt(name+".weight", 0); err != nil {
		return graph.Fail(err)
	}
	return l.Norm(name, x)
}
