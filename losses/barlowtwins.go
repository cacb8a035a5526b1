package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// BarlowTwins makes the features of two views x and y of the same things equal, and each feature
// unlike all others; no pair is pushed apart:
//
//	L = Σ over k of (1 − C_kk)²  +  λ · Σ over k ≠ m of C_km²
//	C_km = (1/N) Σ over pairs i of x̂_ik·ŷ_im,   x̂_ik = (x_ik − mean_k) / √(var_k + ε)
//
// where λ is the Redundancy and ε the Eps; mean and var, with N in the denominator, are those of
// a feature over the batch.
//
// The second view is the reference set, row i of row i. In a batch without one, the second view
// of a row is the next row with its label, and the last row of a label has none. Of fewer than
// two pairs there is no variance: the loss is then 0. In a batch without a reference set it takes
// embeddings before the network normalises them, if the network gives them.
//
// J. Zbontar, L. Jing, I. Misra, Y. LeCun and S. Deny, "Barlow Twins: Self-Supervised Learning via
// Redundancy Reduction", ICML 2021; λ = 0.0051 and ε = 10⁻⁵ are those of the authors' code.
type BarlowTwins struct {
	Redundancy float64 `doc:"λ, weight of what two features say alike" min:"0" max:"1e6"`
	Eps        float64 `doc:"ε, added to variances" above:"0" max:"1"`
}

var defaultBarlowTwins = BarlowTwins{Redundancy: 0.0051, Eps: 1e-5}

func init() {
	Register("barlow-twins", "two views' features made equal, and unlike each other, without negatives (Zbontar 2021)", defaultBarlowTwins)
}

// Loss returns a scalar.
func (l BarlowTwins) Loss(b pairs.Batch) graph.Expr {
	if err := check("barlow-twins", l); err != nil {
		return graph.Fail(err)
	}
	v, err := viewsOf(b, "barlow-twins")
	if err != nil {
		return graph.Fail(err)
	}
	n := v.count.Max(v.count.Constant(1))
	standard := func(view graph.Expr) graph.Expr {
		x := v.centred(view)
		return x.Div(x.Square().SumAxis(0).Div(n).Plus(l.Eps).Sqrt())
	}
	x, y := standard(v.x), standard(v.y)
	diagonal := x.Mul(y).SumAxis(0).Div(n) // (1, E)
	loss := diagonal.Not().Square().Sum().Add(offDiagonal(products(x, y).Div(n)).Scale(l.Redundancy))
	return v.enough().Mul(loss)
}
