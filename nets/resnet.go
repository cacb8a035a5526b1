package nets

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/graph"
)

func init() {
	provide("resnet18", ResNet{Blocks: []int{2, 2, 2, 2}}.Build, "residual blocks of two convolutions, 18 layers (He 2016)")
	provide("resnet34", ResNet{Blocks: []int{3, 4, 6, 3}}.Build, "residual blocks of two convolutions, 34 layers (He 2016)")
	provide("resnet50", ResNet{Blocks: []int{3, 4, 6, 3}, Bottleneck: true}.Build, "residual bottlenecks of three convolutions, 50 layers (He 2016)")
	provide("resnet101", ResNet{Blocks: []int{3, 4, 23, 3}, Bottleneck: true}.Build, "residual bottlenecks of three convolutions, 101 layers (He 2016)")
}

// ResNet is the residual network of four stages with the names and the form of torchvision's, and of
// timm's: K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. The small stem
// (Config.Stem), one convolution of 3×3 without pooling, is the paper's for CIFAR-10.
type ResNet struct {
	Blocks []int // of each stage
	// Bottleneck is a block of three convolutions, 1×1, 3×3 and 1×1 to four times the channels, instead of
	// two of 3×3. The stride is in the 3×3, as in torchvision, which is known as version 1.5; in the paper
	// it is in the first.
	Bottleneck bool
	// ZeroInit begins with γ = 0 in the last normalisation of each block, so that blocks are the identity at
	// first: P. Goyal et al., "Accurate, Large Minibatch SGD", 2017.
	ZeroInit bool
}

// expansion is how many times its channels a bottleneck gives.
const expansion = 4

// Build is a Builder. Config.Channels are those of the stages, before they are expanded.
func (r ResNet) Build(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	l := NewLayers(cfg, p, mode)
	l.Init = "he-normal-out"
	channels := cfg.Channels
	if len(channels) == 0 {
		channels = []int{64, 128, 256, 512}
	}
	if len(channels) > len(r.Blocks) {
		return x, errors.Errorf("%d channels %v, want at most %d: one for each stage", len(channels), channels, len(r.Blocks))
	}
	x = l.stem(x, channels[0])
	for stage, n := range channels {
		for b := range r.Blocks[stage] {
			stride := 1
			if stage > 0 && b == 0 {
				stride = 2
			}
			x = r.block(l, fmt.Sprintf("layer%d.%d", stage+1, b), l.EndSegment(x), n, stride)
		}
	}
	x = l.Head(x)
	return x, x.Err()
}

func (l *Layers) stem(x graph.Expr, channels int) graph.Expr {
	if l.Config.Stem == "small" {
		return l.Activate(l.ConvNorm("conv1", "bn1", x, channels, Window{Size: 3, Pad: 1}))
	}
	x = l.Activate(l.ConvNorm("conv1", "bn1", x, channels, Window{Size: 7, Stride: 2, Pad: 3}))
	return graph.MaxPool(x, graph.Pool{Window: pair(3), Stride: pair(2), Pad: pair(1)})
}

// block is two or three convolutions beside a shortcut, which is a convolution of 1×1 where the shape
// changes.
func (r ResNet) block(l *Layers, name string, x graph.Expr, channels, stride int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	y, out, windows := x, channels, r.windows(stride)
	for i, w := range windows {
		conv, norm := fmt.Sprintf("%s.conv%d", name, i+1), fmt.Sprintf("%s.bn%d", name, i+1)
		if i < len(windows)-1 {
			y = l.Activate(l.ConvNorm(conv, norm, y, channels, w))
			continue
		}
		if r.Bottleneck {
			out = expansion * channels
		}
		y = l.convNorm(conv, norm, y, out, w, r.lastGamma())
	}
	if stride != 1 || x.Shape()[1] != out {
		x = l.ConvNorm(name+".downsample.0", name+".downsample.1", x, out, Window{Size: 1, Stride: stride})
	}
	return l.Activate(y.Add(x))
}

// windows are those of a block's convolutions.
func (r ResNet) windows(stride int) []Window {
	if r.Bottleneck {
		return []Window{{Size: 1}, {Size: 3, Stride: stride, Pad: 1}, {Size: 1}}
	}
	return []Window{{Size: 3, Stride: stride, Pad: 1}, {Size: 3, Pad: 1}}
}

func (r ResNet) lastGamma() float64 {
	if r.ZeroInit {
		return 0
	}
	return 1
}
