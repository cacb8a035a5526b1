package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// LpNorm keeps vectors short:
//
//	R = mean over rows x of ‖x‖_p^power,   ‖x‖_p = (Σ |x_k|^p)^(1/p)
//
// As a loss it is of the embeddings before they are normalised: their length says nothing about
// distances, but grows under a loss of normalised embeddings and slows it down. The gradient of a
// row of zeros is 0.
type LpNorm struct {
	P     float64 `doc:"p, at least 1, or inf" min:"1" max:"inf" unset:"2"`
	Power float64 `doc:"to which the norm is raised" above:"0" max:"1e3" unset:"1"`
}

var defaultNorm = LpNorm{P: 2, Power: 1}

func init() {
	const doc = "keeps embeddings short: the mean of their Lp norms, before they are normalised"
	Register("norm", doc, defaultNorm)
	RegisterRegularizer("norm", "the mean of the vectors' Lp norms", defaultNorm)
}

var _ Regularizer = LpNorm{}

// Loss returns a scalar.
func (r LpNorm) Loss(b pairs.Batch) graph.Expr { return ofEmbeddings(r, b) }

// Regularize returns a scalar.
func (r LpNorm) Regularize(rows graph.Expr, _ int) graph.Expr {
	if err := checkFields("norm", r); err != nil {
		return graph.Fail(err)
	}
	origin := rows.Detach().Constant(0, 1, rows.Shape()[1])
	d := pairs.LP{P: r.P, Power: r.Power, Raw: true}.Between(rows, origin) // (N, 1)
	return d.Mean()
}
