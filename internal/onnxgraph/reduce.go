package onnxgraph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// reduction is an operator that makes one number of those along some axes. e makes it of an expression, over axes,
// which stay with length 1; f of two numbers makes it of constants.
func reduction(e func(x graph.Expr, over []int) graph.Expr, fold func(all []float64) float64) operator {
	return operator{least: 1, build: func(c *call) ([]value, error) {
		over, empty, err := c.over()
		if err != nil || empty {
			return c.in[:1], err
		}
		x := c.x(0)
		y := e(x, over)
		if c.int("keepdims", 1) == 0 {
			y = y.Reshape(without(x.Shape(), over)...)
		}
		return one(y)
	}, fold: func(c *call) ([]*constant, error) {
		over, empty, err := c.over()
		if err != nil || empty {
			return []*constant{c.in[0].fixed}, err
		}
		return []*constant{c.reduced(over, fold)}, nil
	}}
}

// over are the axes that a reduction goes over; none (empty) makes it the identity.
func (c *call) over() (over []int, empty bool, err error) {
	at, err := c.list("axes", 1)
	if err != nil {
		return nil, false, err
	}
	rank := len(c.in[0].shape())
	if len(at) == 0 {
		if c.int("noop_with_empty_axes", 0) == 1 {
			return nil, true, nil
		}
		return span(0, rank, 1), false, nil
	}
	over, err = axes(at, rank)
	return over, false, err
}

// kept is a shape whose axes are 1 long where something goes over them.
func kept(shape, over []int) []int {
	out := slices.Clone([]int(shape))
	for _, a := range over {
		out[a] = 1
	}
	return out
}

// without is a shape without axes; (1) if none is left.
func without(shape tensor.Shape, over []int) []int {
	var out []int
	for i, n := range shape {
		if !slices.Contains(over, i) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return []int{1}
	}
	return out
}

// reduced folds a constant.
func (c *call) reduced(over []int, fold func(all []float64) float64) *constant {
	k := c.in[0].fixed
	shape := kept(k.shape, over)
	groups := make([][]float64, sizeOf(shape))
	for i, at := range places(shape, k.shape) {
		groups[at] = append(groups[at], k.at(i))
	}
	out := &constant{shape: shape, whole: k.whole}
	if c.int("keepdims", 1) == 0 {
		out.shape = nil
		for i, n := range k.shape {
			if !slices.Contains(over, i) {
				out.shape = append(out.shape, n)
			}
		}
	}
	for _, g := range groups {
		if v := fold(g); k.whole {
			out.ints = append(out.ints, integer(v))
		} else {
			out.floats = append(out.floats, v)
		}
	}
	return out
}

func sumOver(x graph.Expr, over []int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	return x.SumTo(tensor.Shape(kept(x.Shape(), over)))
}

func meanOver(x graph.Expr, over []int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if len(s) == 4 && slices.Equal(over, []int{2, 3}) {
		return graph.GlobalAvgPool(x).Reshape(s[0], s[1], 1, 1)
	}
	n := sizeOf(s) / sizeOf(kept(s, over))
	return sumOver(x, over).Scale(1 / float64(n))
}

// maxOver is the largest along axes: they are brought to the end.
func maxOver(x graph.Expr, over []int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if len(s) == 4 && slices.Equal(over, []int{2, 3}) {
		return graph.MaxPool(x, graph.Pool{Window: [2]int{s[2], s[3]}})
	}
	var front []int
	for i := range s {
		if !slices.Contains(over, i) {
			front = append(front, i)
		}
	}
	n := sizeOf(s) / sizeOf(kept(s, over))
	if n == 1 {
		return x.Reshape(kept(s, over)...)
	}
	rows := x.Permute(append(front, over...)...).Reshape(sizeOf(s)/n, n)
	return graph.GroupMax(rows, n).Reshape(kept(s, over)...)
}

func minOver(x graph.Expr, over []int) graph.Expr { return maxOver(x.Neg(), over).Neg() }

func l1Over(x graph.Expr, over []int) graph.Expr { return sumOver(x.Abs(), over) }

func squaresOver(x graph.Expr, over []int) graph.Expr { return sumOver(x.Square(), over) }

func l2Over(x graph.Expr, over []int) graph.Expr { return squaresOver(x, over).Sqrt() }

func logSumOver(x graph.Expr, over []int) graph.Expr { return sumOver(x, over).Log() }

// logSumExpOver takes the largest out first, without overflow.
func logSumExpOver(x graph.Expr, over []int) graph.Expr {
	top := maxOver(x, over).Detach()
	return sumOver(x.Sub(top).Exp(), over).Log().Add(top)
}

func sum(all []float64) (s float64) {
	for _, v := range all {
		s += v
	}
	return s
}

func total(f func(float64) float64, end func(float64) float64) func(all []float64) float64 {
	return func(all []float64) float64 {
		s := 0.0
		for _, v := range all {
			s += f(v)
		}
		return end(s)
	}
}

func mean(all []float64) float64 { return sum(all) / float64(len(all)) }

func multiplied(all []float64) float64 {
	p := 1.0
	for _, v := range all {
		p *= v
	}
	return p
}

func square(v float64) float64 { return v * v }

func same(v float64) float64 { return v }

// noProduct refuses what is computed from pictures.
func noProduct(graph.Expr, []int) graph.Expr {
	return graph.Fail(errors.New("products over axes of what is computed from pictures are not supported"))
}

// lpNorm divides by the norm along an axis.
func lpNorm(c *call) ([]value, error) {
	x := c.x(0)
	at, err := axis(c.int("axis", -1), len(x.Shape()))
	if err != nil {
		return nil, err
	}
	norm := l2Over
	if c.int("p", 2) == 1 {
		norm = l1Over
	}
	length := norm(x, []int{at})
	return one(x.Div(length.Max(length.Constant(1e-30, length.Shape()...)))) // a row of zeros stays one
}
