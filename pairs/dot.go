package pairs

import (
	"cmp"

	"medusa/graph"
)

// Cosine is the similarity (⟨x, y⟩ / (‖x‖·‖y‖))^power.
type Cosine struct {
	Power float64 `doc:"to which the similarity is raised" above:"0" max:"1e3" unset:"1"`
}

// Between is the matrix (N, M) of similarities.
func (m Cosine) Between(x, y graph.Expr) graph.Expr { return Dot{Power: m.Power}.Between(x, y) }

// Similarity is true.
func (Cosine) Similarity() bool { return true }

// Dot is the similarity ⟨x, y⟩^power of rows that are first divided by their Lp norm, unless
// Raw. A power that is no whole number of a product below 0 is no number.
type Dot struct {
	P     float64 `doc:"p of the norm that rows are divided by, at least 1, or inf" min:"1" max:"inf" unset:"2"`
	Power float64 `doc:"to which the similarity is raised" above:"0" max:"1e3" unset:"1"`
	Raw   bool    `doc:"embeddings are taken as they are, not normalised first"`
}

// Between is the matrix (N, M) of similarities.
func (m Dot) Between(x, y graph.Expr) graph.Expr {
	p, power := cmp.Or(m.P, 2), cmp.Or(m.Power, 1)
	if err := checkNorm("dot", p, power); err != nil {
		return graph.Fail(err)
	}
	if !m.Raw {
		x, y = normalized(x, y, p)
	}
	return raised(graph.DotProducts(x, y), power)
}

// Similarity is true.
func (Dot) Similarity() bool { return true }
