package miners

import (
	"math"

	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/pairs"
)

// What miners make of the pairs of a batch by bounds of their distances. Pairs that count several
// times, or have weights, go on to do so.

// above are the pairs whose distance is above the bound (B, 1) of their anchor.
func above(c pairs.Compared, of, bound graph.Expr) graph.Expr {
	return weighed(c, of, graph.Within(of, c.D, bound, constant(c, math.Inf(1))))
}

// below are the pairs whose distance is below the bound (B, 1) of their anchor.
func below(c pairs.Compared, of, bound graph.Expr) graph.Expr {
	return weighed(c, of, graph.Within(of, c.D.Detach().Neg(), bound.Neg(), constant(c, math.Inf(1))))
}

// between are the pairs with low < D < high, bounds of the batch.
func between(c pairs.Compared, of graph.Expr, low, high float64) graph.Expr {
	return weighed(c, of, graph.Within(of, c.D, constant(c, low), constant(c, lower(high, c.D.Dtype()))))
}

// weighed is a mask of some of the pairs with what the pairs held.
func weighed(c pairs.Compared, of, mask graph.Expr) graph.Expr {
	if c.Hold == pairs.Masks {
		return mask
	}
	return graph.Where(mask, of, 0)
}

func constant(c pairs.Compared, v float64) graph.Expr {
	if c.D.Err() != nil {
		return c.D
	}
	return c.D.Detach().Constant(v, c.D.Shape()[0], 1)
}

// lower is the next number of the type below v, −∞ of −∞; nothing lies between them.
func lower(v float64, dt tensor.Dtype) float64 {
	if dt == tensor.Float32 {
		return float64(math.Nextafter32(float32(v), float32(math.Inf(-1))))
	}
	return math.Nextafter(v, math.Inf(-1))
}
