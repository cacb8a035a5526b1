package nets

import (
	"fmt"
	"math"

	"medusa/graph"
)

// Mobile networks are stages of inverted residual blocks: a convolution of 1×1 to more channels, one of k×k of each
// channel by itself, and one of 1×1 to few, without activation, beside a shortcut where the shape stays. Names are
// those of timm.
//
// M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.

// mobile is what blocks of a network have in common.
type mobile struct {
	*Layers
	width      float64 // times the channels
	depth      float64 // times the repeats
	activation func(graph.Expr) graph.Expr
	squeezer   squeezer
}

// squeezer says what squeeze and excitation is like: J. Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018.
type squeezer struct {
	activation, gate func(graph.Expr) graph.Expr
	channels         func(in, expanded int) int // between its two layers
}

// mobileBlocks are blocks that follow each other. Those after the first have stride 1.
type mobileBlocks struct {
	repeats, kernel, stride int
	expand                  float64 // times the channels; a block of 0 begins with its k×k
	out                     int     // channels, before they are multiplied
	squeeze                 bool
	relu                    bool // instead of the network's activation
}

// mobileStage is a stage, which has one name: blocks.0, blocks.1 …
type mobileStage []mobileBlocks

// silu is x·σ(x).
func silu(x graph.Expr) graph.Expr { return x.Swish(1) }

// relu6 is min(max(x, 0), 6).
func relu6(x graph.Expr) graph.Expr { return x.Clamp(0, 6) }

// divisible rounds a number of channels to a multiple of 8 that is not below nine tenths of it.
func divisible(channels float64) int {
	n := max(8, int(channels+4)/8*8)
	if float64(n) < 0.9*channels {
		n += 8
	}
	return n
}

// channels is n times the network's width.
func (m mobile) channels(n int) int {
	if m.width == 1 {
		return n
	}
	return divisible(float64(n) * m.width)
}

// stages are all stages; of fixed ones the repeats are not multiplied.
func (m mobile) stages(x graph.Expr, stages []mobileStage, fixed func(stage int) bool) graph.Expr {
	for s, stage := range stages {
		b := 0
		for _, blocks := range stage {
			repeats := blocks.repeats
			if fixed == nil || !fixed(s) {
				repeats = int(math.Ceil(float64(repeats) * m.depth))
			}
			for i := range repeats {
				if i > 0 {
					blocks.stride = 1
				}
				x = m.block(fmt.Sprintf("blocks.%d.%d", s, b), x, blocks)
				b++
			}
		}
	}
	return x
}

// block is an inverted residual block of x (B, C, H, W).
func (m mobile) block(name string, x graph.Expr, b mobileBlocks) graph.Expr {
	if x.Err() != nil {
		return x
	}
	activate, in, out := m.activation, x.Shape()[1], m.channels(b.out)
	if b.relu {
		activate = graph.Expr.Relu
	}
	conv, norm, y := ".conv_pw", 1, x
	bn := func() string { norm++; return fmt.Sprintf("%s.bn%d", name, norm-1) }
	if b.expand > 0 {
		y = activate(m.ConvNorm(name+".conv_pw", bn(), y, divisible(float64(in)*b.expand), Window{Size: 1}))
		conv = ".conv_pwl"
	}
	if y.Err() != nil {
		return y
	}
	wide := y.Shape()[1]
	y = activate(m.padded(name+".conv_dw", bn(), y, wide, Window{Size: b.kernel, Stride: b.stride, Groups: wide}))
	if b.squeeze {
		y = m.excited(name+".se", y, m.squeezer.channels(in, wide))
	}
	y = m.ConvNorm(name+conv, bn(), y, out, Window{Size: 1})
	if b.stride == 1 && in == out {
		return y.Add(x)
	}
	return y
}

// padded is ConvNorm with zeros around x (B, C, H, W), so that ⌈H/Stride⌉×⌈W/Stride⌉ places are left: as many on all sides,
// or as few as there can be, by Config.SamePad, the odd one of which is below and to the right.
func (m mobile) padded(name, norm string, x graph.Expr, out int, w Window) graph.Expr {
	w.Pad = w.Size / 2
	if !m.Config.SamePad || w.Stride < 2 || x.Err() != nil {
		return m.ConvNorm(name, norm, x, out, w)
	}
	w.Pad-- // a side of even length wants that before it, and one more behind
	for axis := 2; axis < 4; axis++ {
		line := append([]int(nil), x.Shape()...)
		odd := line[axis]%2 == 1
		line[axis] = 1
		zeros := x.Constant(0, line...)
		if odd {
			x = graph.Concat(axis, zeros, x, zeros)
		} else {
			x = graph.Concat(axis, x, zeros)
		}
		if x.Err() != nil {
			return x
		}
	}
	return m.ConvNorm(name, norm, x, out, w)
}

// excited scales the channels of x (B, C, H, W) by what two layers make of their means.
func (m mobile) excited(name string, x graph.Expr, reduced int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s, one := x.Shape(), Window{Size: 1, Bias: true}
	y := graph.GlobalAvgPool(x).Reshape(s[0], s[1], 1, 1)
	y = m.squeezer.activation(m.Conv(name+".conv_reduce", y, reduced, one))
	return x.Mul(m.squeezer.gate(m.Conv(name+".conv_expand", y, s[1], one)))
}
