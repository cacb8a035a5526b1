package pairs

import (
	"cmp"
	"math"

	"gorgonia.org/tensor"

	"medusa/graph"
)

// When is the batch's selection at a run where on, a scalar of 0 or 1, is 1; at others it chooses
// nothing. Masks stay masks that take no memory.
func (b Batch) When(on graph.Expr) Selection {
	s := b.Chosen
	c := b.compare(cmp.Or[Metric](b.Metric, LP{}))
	if err := c.D.Err(); err != nil {
		return Selection{Pos: graph.Fail(err), Neg: graph.Fail(err)}
	}
	rows := c.D.Shape()[0]
	each := on.Detach().BroadcastTo(tensor.Shape{rows, 1}) // (B, 1)
	low := graph.Where(each, each.Constant(math.Inf(-1), rows, 1), math.Inf(1))
	gate := func(pairs graph.Expr) graph.Expr {
		if s.Hold != Masks {
			return pairs.Mul(each)
		}
		return graph.Within(pairs, c.D, low, each.Constant(math.Inf(1), rows, 1))
	}
	s.Pos, s.Neg = gate(c.Pos), gate(c.Neg)
	if s.Or != nil {
		b.Chosen = *s.Or
		or := b.When(on)
		s.Or = &or
	}
	return s
}
