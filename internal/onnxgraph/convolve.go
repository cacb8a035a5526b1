package onnxgraph

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
)

// window is how the window of a convolution or a pooling moves: of each pair the first is of rows.
type window struct {
	size, stride, dilation [2]int
	before, behind         [2]int // padding
}

// planar gives lines (B, C, L) rows, of which they have one, and says so.
func planar(x graph.Expr) (plane graph.Expr, line bool, err error) {
	if err := x.Err(); err != nil {
		return x, false, err
	}
	switch s := x.Shape(); len(s) {
	case 3:
		return x.Reshape(s[0], s[1], 1, s[2]), true, nil
	case 4:
		return x, false, nil
	default:
		return x, false, errors.Errorf("a shape of %v, want pictures (B, C, H, W)", s)
	}
}

// unplanar takes the rows away that planar gave.
func unplanar(y graph.Expr, line bool) graph.Expr {
	if s := y.Shape(); line && y.Err() == nil {
		return y.Reshape(s[0], s[1], s[3])
	}
	return y
}

// window reads the attributes of a node whose input has so many rows and columns.
func (c *call) window(size []int, in [2]int, line bool) (w window, err error) {
	pair := func(name string, v []int, absent int) (out [2]int) {
		if v == nil {
			v = slices.Repeat([]int{absent}, 2)
		} else if line && len(v) == 1 {
			v = []int{absent, v[0]}
		}
		if len(v) != 2 {
			err = errors.Errorf("%s is %v, want two numbers", name, v)
			return out
		}
		return [2]int{v[0], v[1]}
	}
	w.size = pair("kernel_shape", size, 1)
	w.stride, w.dilation = pair("strides", c.ints("strides"), 1), pair("dilations", c.ints("dilations"), 1)
	pads := c.ints("pads")
	if line && len(pads) == 2 {
		pads = []int{0, pads[0], 0, pads[1]}
	}
	if pads != nil && len(pads) != 4 {
		return w, errors.Errorf("pads are %v, want four numbers", pads)
	}
	if err != nil {
		return w, err
	}
	for i := range 2 {
		if w.size[i] < 1 || w.stride[i] < 1 || w.dilation[i] < 1 || pads != nil && min(pads[i], pads[2+i]) < 0 {
			return w, errors.Errorf("a window of %v with strides %v, dilations %v and pads %v, want at least 1, and pads of at least 0", w.size, w.stride, w.dilation, pads)
		}
		if pads != nil {
			w.before[i], w.behind[i] = pads[i], pads[2+i]
		}
	}
	switch auto := c.text("auto_pad", "NOTSET"); auto {
	case "NOTSET":
	case "VALID":
		w.before, w.behind = [2]int{}, [2]int{}
	case "SAME_UPPER", "SAME_LOWER":
		w.same(in, auto == "SAME_LOWER")
	default:
		return w, errors.Errorf("auto_pad is %q, want NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto)
	}
	return w, nil
}

// same pads so that there is one result for each stride of the input; an odd pixel is behind, or before if lower.
func (w *window) same(in [2]int, lower bool) {
	for i := range 2 {
		out := (in[i] + w.stride[i] - 1) / w.stride[i]
		all := max((out-1)*w.stride[i]+(w.size[i]-1)*w.dilation[i]+1-in[i], 0)
		w.before[i], w.behind[i] = all/2, all-all/2
		if lower {
			w.before[i], w.behind[i] = w.behind[i], w.before[i]
		}
	}
}

// balanced reports whether padding is the same on both sides.
func (w window) balanced() bool { return w.before == w.behind }

// around pads x as a window says, with a number, and takes the padding out of the window.
func (c *call) around(x graph.Expr, w *window, fill float64) (graph.Expr, error) {
	v := value{e: x}
	var err error
	for i := range 2 {
		if v, err = c.filled(v, 2+i, w.before[i], w.behind[i], fill); err != nil {
			return x, err
		}
	}
	w.before, w.behind = [2]int{}, [2]int{}
	return v.e, nil
}

func conv(c *call) ([]value, error) {
	x, line, err := planar(c.x(0))
	if err != nil {
		return nil, err
	}
	weights, _, err := planar(c.x(1))
	if err != nil {
		return nil, err
	}
	s, k := x.Shape(), weights.Shape()
	w, err := c.window(k[2:], [2]int{s[2], s[3]}, false)
	if line {
		w, err = c.window([]int{k[3]}, [2]int{s[2], s[3]}, true)
	}
	if err != nil {
		return nil, err
	}
	if !w.balanced() {
		if x, err = c.around(x, &w, 0); err != nil {
			return nil, err
		}
	}
	var bias graph.Expr
	if c.has(2) {
		bias = c.x(2)
	}
	y := graph.Conv2D(x, weights, bias, graph.Conv{Stride: w.stride, Pad: w.before, Dilation: w.dilation, Groups: c.int("group", 1)})
	if err := y.Err(); err != nil {
		return nil, err
	}
	macs := float64(sizeOf(k)) * float64(y.Shape()[2]*y.Shape()[3])
	return one(unplanar(c.layer("conv", y, macs), line))
}

// batchNorm normalises channels; in training by the batch's statistics, unless the running ones are frozen.
func batchNorm(c *call) ([]value, error) {
	x := c.x(0)
	if err := x.Err(); err != nil {
		return nil, err
	}
	s := []int(x.Shape())
	if len(s) != 2 && len(s) != 4 && len(s) >= 3 {
		x = x.Reshape(s[0], s[1], 1, sizeOf(s[2:]))
	}
	if c.int("spatial", 1) == 0 {
		return nil, errors.New("it normalises pixels by themselves (spatial = 0), which is not supported")
	}
	for i := 3; i < 5; i++ {
		if p := c.net.params[c.node.In[i]]; c.in[i].fixed == nil && (p == nil || !p.buffer) {
			return nil, errors.New("its statistics are computed: export the model for inference")
		}
	}
	moves := c.options.Train && c.in[3].fixed == nil && !c.params.Frozen(c.node.In[3])
	norm := graph.BatchNorm{Train: moves, Momentum: 1 - c.float("momentum", 0.9), Eps: c.float("epsilon", 1e-5)}
	y := norm.Norm(x, c.x(1), c.x(2), c.x(3), c.x(4)).Reshape(s...)
	return one(c.layer("batch norm", y, 0))
}

// pooling is what poolings have in common.
func pooling(c *call) (x graph.Expr, w window, line bool, err error) {
	if x, line, err = planar(c.x(0)); err != nil {
		return x, w, line, err
	}
	s := x.Shape()
	size := c.ints("kernel_shape")
	if size == nil {
		return x, w, line, errors.New("it has no kernel_shape: the file is damaged")
	}
	if w, err = c.window(size, [2]int{s[2], s[3]}, line); err != nil {
		return x, w, line, err
	}
	if w.dilation != [2]int{1, 1} {
		return x, w, line, errors.Errorf("pooling with dilations %v is not supported", w.dilation)
	}
	return x, w, line, nil
}

// pooled is how package graph pools by a window that is balanced, and whose padding is not larger than its half.
func (w window) pooled() graph.Pool {
	return graph.Pool{Window: w.size, Stride: w.stride, Pad: w.before}
}

// fits reports whether package graph can pad so itself.
func (w window) fits() bool {
	return w.balanced() && 2*w.before[0] <= w.size[0] && 2*w.before[1] <= w.size[1]
}

func maxPool(c *call) ([]value, error) {
	x, w, line, err := pooling(c)
	if err != nil {
		return nil, err
	}
	if !w.fits() {
		if x, err = c.around(x, &w, math.Inf(-1)); err != nil {
			return nil, err
		}
	}
	p := w.pooled()
	p.Ceil = c.int("ceil_mode", 0) != 0
	return one(unplanar(graph.MaxPool(x, p), line))
}

// averagePool counts the padding only if it is told to.
func averagePool(c *call) ([]value, error) {
	x, w, line, err := pooling(c)
	if err != nil {
		return nil, err
	}
	s := x.Shape()
	excluded := c.int("count_include_pad", 0) == 0
	ceil := c.int("ceil_mode", 0) != 0
	if w.fits() {
		p := w.pooled()
		p.Ceil, p.ExcludePad = ceil, excluded
		return one(unplanar(graph.AvgPool(x, p), line))
	}
	padded := w
	if x, err = c.around(x, &padded, 0); err != nil {
		return nil, err
	}
	p := padded.pooled()
	p.Ceil = ceil
	y := graph.AvgPool(x, p)
	if err := y.Err(); err != nil || !excluded {
		return []value{{e: unplanar(y, line)}}, err
	}
	return one(unplanar(y.Mul(w.shares([2]int{s[2], s[3]}, y)), line))
}

// shares are, of each window of y, how many times more pixels it has than those of the picture.
func (w window) shares(in [2]int, y graph.Expr) graph.Expr {
	s := y.Shape()
	var out []float64
	count := func(i, at int) float64 {
		from := at*w.stride[i] - w.before[i]
		return float64(max(min(from+w.size[i], in[i])-max(from, 0), 1))
	}
	padded := func(i, at int) float64 { // what package graph divides by
		from := at * w.stride[i]
		return float64(min(from+w.size[i], in[i]+w.before[i]+w.behind[i]) - from)
	}
	for r := range s[2] {
		for k := range s[3] {
			out = append(out, padded(0, r)*padded(1, k)/(count(0, r)*count(1, k)))
		}
	}
	return y.Values(out, 1, 1, s[2], s[3])
}

// global is a pooling of whole channels, whose axes stay with length 1.
func global(over func(x graph.Expr, over []int) graph.Expr) func(c *call) ([]value, error) {
	return func(c *call) ([]value, error) {
		x := c.x(0)
		if len(x.Shape()) < 3 {
			return nil, errors.Errorf("a shape of %v, want pictures (B, C, H, W)", x.Shape())
		}
		return one(over(x, span(2, len(x.Shape()), 1)))
	}
}
