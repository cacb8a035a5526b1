package nets

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// Transformers see a picture as T tokens of D numbers each, (B, T, D).

// gelu are the forms of GELU that transformers have, by name.
var gelu = map[string]func(graph.Expr) graph.Expr{
	"gelu":       graph.Expr.GELU,
	"gelu-tanh":  graph.Expr.GELUTanh,
	"quick-gelu": func(x graph.Expr) graph.Expr { return x.Swish(1.702) },
}

// LayerNorm normalises x (…, C) over its last axis, with name.weight and name.bias, (C) each.
func (l *Layers) LayerNorm(name string, x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() == 0 {
		return graph.Fail(errors.Errorf("nets: layer %s: a scalar, want a tensor (…, C)", name))
	}
	n := s[len(s)-1]
	gamma, beta := l.learned(name+".weight", x, graph.Fill(1), n), l.learned(name+".bias", x, graph.Fill(0), n)
	return l.done(name, "layer norm", graph.LayerNorm(x, gamma, beta, l.eps(1e-6)), 0)
}

// linearOf is Linear over the last axis of x (…, F): (…, out).
func (l *Layers) linearOf(name string, x graph.Expr, out int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape().Clone()
	in := s[len(s)-1]
	rows := s.TotalSize() / in
	w := l.weight(name+".weight", x, out, in)
	if w.Err() != nil { // of what is too large nothing more is made
		return w
	}
	s[len(s)-1] = out
	y := graph.Linear(x.Reshape(rows, in), w, l.bias(name+".bias", x, in, out)).Reshape(s...)
	return l.done(name, "linear", y, float64(rows/s[0])*float64(in)*float64(out))
}

// scaled multiplies each channel of x (…, C) by name.gamma (C), first at first: LayerScale, of H. Touvron et al.,
// "Going Deeper with Image Transformers", ICCV 2021.
func (l *Layers) scaled(name string, x graph.Expr, first float64) graph.Expr {
	if x.Err() != nil || first == 0 {
		return x
	}
	s := x.Shape()
	wide := make([]int, len(s))
	for i := range wide {
		wide[i] = 1
	}
	wide[len(s)-1] = s[len(s)-1]
	gamma := l.learned(name, x, graph.Fill(first), s[len(s)-1])
	return x.Mul(gamma.Reshape(wide...))
}

// attention lets each of the queries (B, Q, D) choose among values (B, T, D) by their keys (B, T, D), in so many heads
// of D/heads numbers each: (B, Q, D).
//
// A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017.
func (l *Layers) attention(name string, queries, keys, values graph.Expr, heads int) graph.Expr {
	for _, x := range []graph.Expr{queries, keys, values} {
		if x.Err() != nil {
			return x
		}
	}
	s := queries.Shape()
	b, d, t := s[0], s[2], keys.Shape()[1]
	if heads < 1 || d%heads != 0 {
		return graph.Fail(errors.Errorf("nets: layer %s: %d numbers in %d heads, want a number of heads that divides them", name, d, heads))
	}
	split := func(x graph.Expr) graph.Expr {
		return x.Reshape(b, x.Shape()[1], heads, d/heads).Permute(0, 2, 1, 3)
	}
	shares := split(queries).BatchMatMulT(split(keys)).Scale(1 / math.Sqrt(float64(d/heads))).Softmax(3)
	mixed := shares.BatchMatMul(split(values)).Permute(0, 2, 1, 3).Reshape(b, s[1], d)
	return l.done(name, "attention", mixed, 2*float64(s[1])*float64(t)*float64(d))
}

// selfAttention is the attention of the tokens x (B, T, D) to each other.
func (l *Layers) selfAttention(name string, x graph.Expr, heads int) graph.Expr {
	if x.Err() != nil {
		return x
	}
	d := x.Shape()[2]
	qkv := l.linearOf(name+".qkv", x, 3*d)
	part := func(i int) graph.Expr { return qkv.Slice(2, i*d, (i+1)*d) }
	return l.linearOf(name+".proj", l.attention(name, part(0), part(1), part(2), heads), d)
}

// twoLayers is x (…, D) through a layer of hidden numbers, an activation, and back.
func (l *Layers) twoLayers(name string, x graph.Expr, hidden int, activate func(graph.Expr) graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	return l.linearOf(name+".fc2", activate(l.linearOf(name+".fc1", x, hidden)), s[len(s)-1])
}
