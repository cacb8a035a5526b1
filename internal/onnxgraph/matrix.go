package onnxgraph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// gemm is α·x·w + β·c.
func gemm(c *call) ([]value, error) {
	alpha, beta := c.float("alpha", 1), c.float("beta", 1)
	x, w := c.x(0), c.x(1)
	if c.int("transA", 0) != 0 {
		x = x.T()
	}
	transposed := c.int("transB", 0) != 0
	if err := w.Err(); err != nil {
		return nil, err
	}
	y := x
	if transposed && alpha == 1 && beta == 1 && c.has(2) && slices.Equal(c.in[2].shape(), w.Shape()[:1]) {
		return one(c.linear(graph.Linear(x, w, c.x(2))))
	}
	if transposed {
		y = graph.Linear(x, w, graph.Expr{})
	} else {
		y = x.MatMul(w)
	}
	if alpha != 1 {
		y = y.Scale(alpha)
	}
	if c.has(2) {
		var err error
		bias := c.x(2)
		if beta != 1 {
			bias = bias.Scale(beta)
		}
		if y, bias, err = aligned(y, bias); err != nil {
			return nil, err
		}
		y = y.Add(bias)
	}
	return one(c.linear(y))
}

// linear tells of a layer that multiplies by weights.
func (c *call) linear(y graph.Expr) graph.Expr {
	if y.Err() != nil || len(c.in) < 2 || c.net.params[c.node.In[1]] == nil {
		return y
	}
	return c.layer("linear", y, float64(sizeOf(c.in[1].shape()))*float64(sizeOf(y.Shape()))/float64(y.Shape()[0]*y.Shape()[len(y.Shape())-1]))
}

// matMul is the product of the last two axes; those before stretch.
func matMul(c *call) ([]value, error) {
	x, y := c.x(0), c.x(1)
	if err := firstOf(x, y); err != nil {
		return nil, err
	}
	a, b := x.Shape(), y.Shape()
	if len(a) == 0 || len(b) == 0 {
		return nil, errors.New("a product with a scalar")
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		x = x.Reshape(1, a[0])
	}
	if column {
		y = y.Reshape(b[0], 1)
	}
	z, err := product(x, y)
	if err != nil {
		return nil, err
	}
	s := slices.Clone([]int(z.Shape()))
	if column {
		s = s[:len(s)-1]
	}
	if row {
		s = slices.Delete(s, len(s)-1, len(s))
		if !column {
			s = append(s[:len(s)-1], z.Shape()[len(z.Shape())-1])
		}
	}
	if len(s) == 0 {
		s = []int{1}
	}
	return one(c.linear(z.Reshape(s...)))
}

func firstOf(es ...graph.Expr) error {
	for _, e := range es {
		if err := e.Err(); err != nil {
			return err
		}
	}
	return nil
}

// product is the matrix product of x (…, M, K) and y (…, K, N).
func product(x, y graph.Expr) (graph.Expr, error) {
	a, b := []int(x.Shape()), []int(y.Shape())
	m, k, n := a[len(a)-2], a[len(a)-1], b[len(b)-1]
	if len(b) == 2 {
		z := x.Reshape(sizeOf(a[:len(a)-1]), k).MatMul(y)
		return z.Reshape(append(slices.Clone(a[:len(a)-1]), n)...), z.Err()
	}
	outer, err := stretched(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return x, err
	}
	wideA, wideB := append(slices.Clone(outer), m, k), append(slices.Clone(outer), b[len(b)-2], n)
	z := ranked(x, len(wideA)).BroadcastTo(tensor.Shape(wideA)).BatchMatMul(ranked(y, len(wideB)).BroadcastTo(tensor.Shape(wideB)))
	return z, z.Err()
}

// softmax is along an axis; before version 13 it is along all axes from that one on.
func softmax(f func(x graph.Expr, axis int) graph.Expr) func(c *call) ([]value, error) {
	return func(c *call) ([]value, error) {
		x := c.x(0)
		s := []int(x.Shape())
		usual := 1
		if c.newer(13) {
			usual = -1
		}
		at, err := axis(c.int("axis", usual), len(s))
		if err != nil {
			return nil, err
		}
		if !c.newer(13) {
			return one(f(x.Reshape(sizeOf(s[:at]), sizeOf(s[at:])), 1).Reshape(s...))
		}
		return one(f(x, at))
	}
}

// layerNorm normalises all axes from one on together.
func layerNorm(c *call) ([]value, error) {
	x := c.x(0)
	s := []int(x.Shape())
	at, err := axis(c.int("axis", -1), len(s))
	if err != nil {
		return nil, err
	}
	n := sizeOf(s[at:])
	affine := make([]graph.Expr, 2)
	for i := range affine {
		if c.has(i + 1) {
			affine[i] = c.x(i + 1)
			if sizeOf(affine[i].Shape()) != n {
				return nil, errors.Errorf("its weights have the shape %v, want %v", affine[i].Shape(), s[at:])
			}
			affine[i] = affine[i].Reshape(n)
		}
	}
	rows := x
	if at != len(s)-1 {
		rows = x.Reshape(append(slices.Clone(s[:at]), n)...)
	}
	y := graph.LayerNorm(rows, affine[0], affine[1], c.float("epsilon", 1e-5))
	out := []value{{e: c.layer("layer norm", y.Reshape(s...), 0)}}
	if len(c.node.Out) > 1 {
		over := span(at, len(s), 1)
		mean := meanOver(x, over)
		variance := meanOver(x.Sub(mean).Square(), over)
		out = append(out, value{e: mean}, value{e: power(variance.Plus(c.float("epsilon", 1e-5)).Sqrt(), -1)})
	}
	return out, nil
}

// groupNorm normalises groups of channels of each picture, and multiplies each channel by a weight of its own; one
// group a channel is instance normalisation.
func groupNorm(groups func(c *call, channels int) int) func(c *call) ([]value, error) {
	return func(c *call) ([]value, error) {
		x := c.x(0)
		s := []int(x.Shape())
		if len(s) < 2 {
			return nil, errors.Errorf("%v has no channels", s)
		}
		g := groups(c, s[1])
		if g < 1 || s[1]%g != 0 {
			return nil, errors.Errorf("%d channels do not part into %d groups", s[1], g)
		}
		y := graph.LayerNorm(x.Reshape(s[0], g, sizeOf(s[1:])/g), graph.Expr{}, graph.Expr{}, c.float("epsilon", 1e-5))
		for i, join := range []func(y, w graph.Expr) graph.Expr{graph.Expr.Mul, graph.Expr.Add} {
			w := c.x(i + 1)
			switch n := sizeOf(w.Shape()); {
			case w.Err() != nil:
				return nil, w.Err()
			case n == s[1]:
				to := append([]int{1, n}, slices.Repeat([]int{1}, len(s)-2)...)
				y = join(y.Reshape(s...), w.Reshape(to...))
			case n == g:
				y = join(y.Reshape(s[0], g, sizeOf(s[1:])/g), w.Reshape(1, g, 1))
			default:
				return nil, errors.Errorf("its weights have the shape %v for %d channels", w.Shape(), s[1])
			}
		}
		return one(c.layer("group norm", y.Reshape(s...), 0))
	}
}
