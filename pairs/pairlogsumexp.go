package pairs

import "medusa/graph"

// PairLogSumExp is, of each pair (a, p) that Pos holds, ln Σ over n of w·e^(x[a,n] + among[p,n]),
// (B, M), where n goes over the negatives of a and w is what Neg holds of (a, n); x is (B, M),
// among (M, M). See graph.PairLogSumExp.
func (c Compared) PairLogSumExp(x, among graph.Expr) graph.Expr {
	return graph.PairLogSumExp(c.Pos, c.Neg, c.logWeighted(c.Neg, x), among)
}
