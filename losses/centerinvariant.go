package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// CenterInvariant keeps vectors, of classes in the paper, of one length:
//
//	R = mean over rows x of ¼·(‖x‖² − m)²,   m = mean over rows of ‖x‖²
//
// so that classes with few pictures are not left with short weights. As a loss it is of the
// embeddings before they are normalised.
//
// Y. Wu, H. Liu, J. Li and Y. Fu, "Deep Face Recognition with Center Invariant Loss", ACM
// Multimedia Thematic Workshops 2017.
type CenterInvariant struct{}

func init() {
	Register("center-invariant", "keeps embeddings of one length, before they are normalised (Wu 2017)", CenterInvariant{})
	RegisterRegularizer("center-invariant", "vectors of one length (Wu 2017)", CenterInvariant{})
}

var _ Regularizer = CenterInvariant{}

// Loss returns a scalar.
func (r CenterInvariant) Loss(b pairs.Batch) graph.Expr { return ofEmbeddings(r, b) }

// Regularize returns a scalar.
func (CenterInvariant) Regularize(rows graph.Expr, _ int) graph.Expr {
	squared := rows.Square().SumAxis(1) // (N, 1)
	return squared.Sub(squared.Mean()).Square().Mean().Scale(0.25)
}
