package pairs

import (
	"cmp"

	"medusa/graph"
)

// LP is the distance
//
//	d(x, y) = (Σ |x_k − y_k|^p)^(power/p)
//
// of rows that are first divided by their own norm (Σ |x_k|^p)^(1/p), unless Raw. Its zero
// value is the Euclidean distance of normalised embeddings; LP{Power: 2} its square, FaceNet's;
// LP{P: 1} Manhattan's; LP{P: math.Inf(1)} the largest difference. Where rows are equal the
// distance is 0, and so is its gradient.
type LP struct {
	P     float64 `doc:"p, at least 1, or inf" min:"1" max:"inf" unset:"2"`
	Power float64 `doc:"to which the distance is raised" above:"0" max:"1e3" unset:"1"`
	Raw   bool    `doc:"embeddings are taken as they are, not normalised first"`
}

// Between is the matrix (N, M) of distances.
func (m LP) Between(x, y graph.Expr) graph.Expr {
	p, power := cmp.Or(m.P, 2), cmp.Or(m.Power, 1)
	if err := checkNorm("lp", p, power); err != nil {
		return graph.Fail(err)
	}
	if !m.Raw {
		x, y = normalized(x, y, p)
	}
	if p == 2 && power == 2 {
		return graph.SquaredDistancesBetween(x, y)
	}
	return raised(graph.LpDistances(x, y, p), power)
}

// Similarity is false.
func (LP) Similarity() bool { return false }
