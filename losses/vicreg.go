package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// VICReg draws two views x and y of the same things together, keeps every feature's spread up and
// lets no two features say the same; no pair is pushed apart:
//
//	L = λ·s(x,y) + μ·(v(x) + v(y)) + ν·(c(x) + c(y))
//	s(x,y) = mean over pairs i of (1/E)·‖x_i − y_i‖²
//	v(x)   = ½ · mean over features k of [1 − √(var(x_k) + ε)]₊
//	c(x)   = (1/E) Σ over k ≠ m of cov(x_k, x_m)²
//
// where λ is the Invariance, μ the Variance, ν the Covariance and ε the Eps; var and cov are those
// of a sample, with N − 1 in the denominator. The ½ is the authors' code's; their paper has none.
//
// The second view is the reference set, row i of row i. In a batch without one, the second view
// of a row is the next row with its label, and the last row of a label has none. Of fewer than
// two pairs there is no variance: v and c are then 0.
//
// It is made for embeddings that are not normalised: with rows of length 1 the spread of a
// feature is 1/√E at most, and v never comes to rest. In a batch without a reference set it takes
// those before the network normalises them, if the network gives them.
//
// A. Bardes, J. Ponce and Y. LeCun, "VICReg: Variance-Invariance-Covariance Regularization for
// Self-Supervised Learning", ICLR 2022.
type VICReg struct {
	Invariance float64 `doc:"λ, weight of the distance between the views" min:"0" max:"1e6"`
	Variance   float64 `doc:"μ, weight of the features' spread" min:"0" max:"1e6"`
	Covariance float64 `doc:"ν, weight of what two features say alike" min:"0" max:"1e6"`
	Eps        float64 `doc:"ε, added to variances" above:"0" max:"1"`
}

var defaultVICReg = VICReg{Invariance: 25, Variance: 25, Covariance: 1, Eps: 1e-4}

func init() {
	Register("vicreg", "two views drawn together, features kept spread and apart, without negatives (Bardes 2022)", defaultVICReg)
}

// Loss returns a scalar.
func (l VICReg) Loss(b pairs.Batch) graph.Expr {
	if err := check("vicreg", l); err != nil {
		return graph.Fail(err)
	}
	v, err := viewsOf(b, "vicreg")
	if err != nil {
		return graph.Fail(err)
	}
	e := float64(v.x.Shape()[1])
	invariance := v.perPair(v.x.Sub(v.y).Square().SumAxis(1)).Scale(l.Invariance / e)
	spread := func(view graph.Expr) graph.Expr {
		x := v.centred(view)
		n := v.count.Plus(-1).Max(v.count.Constant(1))
		deviation := x.Square().SumAxis(0).Div(n).Plus(l.Eps).Sqrt() // (1, E)
		return deviation.Hinge(-1, 1).Mean().Scale(l.Variance / 2).
			Add(offDiagonal(products(x, x).Div(n)).Scale(l.Covariance / e))
	}
	return invariance.Add(v.enough().Mul(spread(v.x).Add(spread(v.y))))
}

// Validate says what fields do not go together.
func (l VICReg) Validate() error {
	if l.Invariance == 0 && l.Variance == 0 && l.Covariance == 0 {
		return errors.New("all three weights are 0: nothing would be learned")
	}
	return nil
}
