package nets

import (
	"cmp"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// Layers makes layers with parameters as a Config says: its initialisation, its
// normalisation, its activation. A Builder uses it so that every option holds for its
// backbone too, and so that Summary sees the layers.
type Layers struct {
	Config Config
	Params *graph.Params
	Mode   Mode
	Init   string  // of weights where Config names none; pytorch if empty
	Eps    float64 // added to variances where Config says nothing; if zero 1e-5, in LayerNorm 1e-6
}

// NewLayers makes layers for cfg.
func NewLayers(cfg Config, p *graph.Params, mode Mode) *Layers {
	return &Layers{Config: cfg.withDefaults(), Params: p, Mode: mode}
}

// Window is the square window of a convolution.
type Window struct {
	Size     int // its side in pixels
	Stride   int // 1 if zero
	Pad      int // zeros on each side
	Dilation int // distance between its pixels; 1 if zero
	Groups   int // independent groups of channels; 1 if zero
	Bias     bool
}

// Linear is a fully connected layer of x (B, F) to (B, out) with weights name.weight
// (out, F) and name.bias (out).
func (l *Layers) Linear(name string, x graph.Expr, out int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() != 2 {
		return graph.Fail(errors.Errorf("nets: layer %s: shape %v, want a matrix (B, F)", name, s))
	}
	w := l.weight(name+".weight", x, out, s[1])
	if w.Err() != nil { // of what is too large nothing more is made
		return w
	}
	y := graph.Linear(x, w, l.bias(name+".bias", x, s[1], out))
	return l.done(name, "linear", y, float64(s[1])*float64(out))
}

// Conv is a convolution of x (B, C, H, W) with out filters name.weight and, with
// w.Bias, name.bias.
func (l *Layers) Conv(name string, x graph.Expr, out int, w Window) graph.Expr {
	if x.Err() != nil {
		return x
	}
	filters, fanIn, err := l.filters(name, x, out, w)
	if err != nil {
		return graph.Fail(err)
	}
	var bias graph.Expr
	if w.Bias {
		bias = l.bias(name+".bias", x, fanIn, out)
	}
	y := graph.Conv2D(x, filters, bias, w.conv())
	if y.Err() != nil {
		return graph.Fail(errors.Wrapf(y.Err(), "nets: layer %s", name))
	}
	o := y.Shape()
	return l.done(name, "conv", y, float64(o[2]*o[3])*float64(out)*float64(fanIn))
}

// filters are the weights of a convolution, and the number of inputs of each.
func (l *Layers) filters(name string, x graph.Expr, out int, w Window) (filters graph.Expr, fanIn int, err error) {
	s := x.Shape()
	groups := max(w.Groups, 1)
	if s.Dims() != 4 {
		return filters, 0, errors.Errorf("nets: layer %s: shape %v, want (B, C, H, W)", name, s)
	}
	if s[1]%groups != 0 || out%groups != 0 || w.Size < 1 {
		return filters, 0, errors.Errorf("nets: layer %s: %d to %d channels in %d groups with a window of side %d, want channels that divide and a side of at least 1",
			name, s[1], out, groups, w.Size)
	}
	filters = l.weight(name+".weight", x, out, s[1]/groups, w.Size, w.Size)
	return filters, s[1] / groups * w.Size * w.Size, filters.Err()
}

func (w Window) conv() graph.Conv {
	return graph.Conv{Stride: pair(w.Stride), Pad: pair(w.Pad), Dilation: pair(w.Dilation), Groups: max(w.Groups, 1)}
}

func pair(v int) [2]int { return [2]int{v, v} }

// ConvNorm is a convolution and the configured normalisation; without one, the convolution
// has a bias.
func (l *Layers) ConvNorm(name, norm string, x graph.Expr, out int, w Window) graph.Expr {
	return l.convNorm(name, norm, x, out, w, 1)
}

// convNorm is ConvNorm with γ at first.
func (l *Layers) convNorm(name, norm string, x graph.Expr, out int, w Window, gamma float64) graph.Expr {
	w.Bias = w.Bias || l.Config.Norm == "none"
	return l.norm(norm, l.Conv(name, x, out, w), gamma)
}

// Norm is the configured normalisation of each channel of x, (B, C, H, W) or (B, C),
// with name.weight, name.bias, name.running_mean and name.running_var, (C) each. Where
// name.running_mean is frozen, the running statistics count in training too.
func (l *Layers) Norm(name string, x graph.Expr) graph.Expr { return l.norm(name, x, 1) }

// norm is Norm with γ at first.
func (l *Layers) norm(name string, x graph.Expr, gamma float64) graph.Expr {
	if x.Err() != nil || l.Config.Norm == "none" {
		return x
	}
	s := x.Shape()
	if s.Dims() < 2 {
		return graph.Fail(errors.Errorf("nets: layer %s: shape %v, want (B, C, H, W) or (B, C)", name, s))
	}
	weight, bias, mean, variance := l.normParams(name, x, s[1], gamma)
	y := graph.BatchNorm{Train: l.movesStatistics(name), Eps: l.eps(1e-5)}.Norm(x, weight, bias, mean, variance)
	return l.done(name, "batch norm", y, 0)
}

// eps is what is added to variances.
func (l *Layers) eps(usual float64) float64 {
	if r := l.Config.report; r != nil {
		r.eps = cmp.Or(l.Eps, usual)
	}
	return cmp.Or(l.Config.NormEps, l.Eps, usual)
}

// normParams are the parameters and the buffers of a normalisation of c channels of x's type; γ is first at
// first.
func (l *Layers) normParams(name string, x graph.Expr, c int, first float64) (gamma, beta, mean, variance graph.Expr) {
	g, dt := x.Graph(), x.Dtype()
	return l.learned(name+".weight", x, graph.Fill(first), c),
		l.learned(name+".bias", x, graph.Fill(0), c),
		l.Params.Buffer(g, name+".running_mean", dt, graph.Fill(0), c),
		l.Params.Buffer(g, name+".running_var", dt, graph.Fill(1), c)
}

// movesStatistics reports whether a normalisation goes by the batch's statistics and moves the
// running ones towards them: when training, unless these are frozen (graph.Param.LRScale).
func (l *Layers) movesStatistics(norm string) bool {
	return l.Mode == Train && !l.Params.Frozen(norm+".running_mean")
}

// Activate is the configured activation of x.
func (l *Layers) Activate(x graph.Expr) graph.Expr {
	switch l.Config.Activation {
	case "leaky-relu": // slope 0.01 below zero, as PyTorch's default
		return x.Max(x.Scale(0.01))
	case "silu": // x·σ(x), also called swish
		return x.Mul(x.Sigmoid())
	case "tanh":
		return x.Tanh()
	}
	return x.Relu()
}

// Dropout sets a random part of x to zero when training, at the configured rate. Its
// seed and the number of its runs are the buffer name.state.
func (l *Layers) Dropout(name string, x graph.Expr) graph.Expr {
	if x.Err() != nil || l.Config.Dropout == 0 {
		return x
	}
	state := l.Params.DropoutState(x.Graph(), name+".state", x.Dtype())
	if l.Mode == Eval {
		return x
	}
	return graph.Dropout(x, state, l.Config.Dropout)
}

// Head makes features (B, F) of x (B, C, H, W) as Config.Head says.
func (l *Layers) Head(x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	switch l.Config.Head {
	case "flatten":
		x = x.Flatten()
	case "max":
		x = graph.MaxPool(x, graph.Pool{Window: [2]int{s[2], s[3]}}).Flatten()
	default:
		x = graph.GlobalAvgPool(x)
	}
	kind := map[string]string{"flatten": "flatten", "max": "max pool"}[l.Config.Head]
	if kind == "" {
		kind = "avg pool"
	}
	return l.done("head", kind, x, 0)
}

func (l *Layers) weight(name string, x graph.Expr, shape ...int) graph.Expr {
	init, err := Initializer(l.init())
	if err != nil {
		return graph.Fail(err)
	}
	return l.learned(name, x, init, shape...)
}

// learned is a weight of x's graph. In evaluation nothing learns, and no gradient flows to it.
func (l *Layers) learned(name string, x graph.Expr, init graph.Init, shape ...int) graph.Expr {
	w := l.Params.Weight(x.Graph(), name, x.Dtype(), init, shape...)
	if l.Mode == Eval {
		return w.Detach()
	}
	return w
}

// bias is zero, or as PyTorch's layers have it: uniform within ±1/√fan-in.
func (l *Layers) bias(name string, x graph.Expr, fanIn, n int) graph.Expr {
	init := graph.Fill(0)
	if l.init() == "pytorch" {
		init = uniformWithin(rsqrt(fanIn))
	}
	return l.learned(name, x, init, n)
}

func (l *Layers) init() string {
	for _, name := range []string{l.Config.Init, l.Init} {
		if name != "" {
			return name
		}
	}
	return "pytorch"
}

// done reports a layer to Summary.
func (l *Layers) done(name, kind string, y graph.Expr, macs float64) graph.Expr {
	if r := l.Config.report; r != nil && y.Err() == nil {
		r.add(name, kind, append(tensor.Shape(nil), y.Shape()[1:]...), macs)
	}
	return y
}
