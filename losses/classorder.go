package losses

import "medusa/graph"

// Which rows of a batch come first, for losses that take few rows of each class.

// firstOfClass is the mask (B, 1) of the first row of each label among the rows where among (B, 1)
// is 1.
func firstOfClass(labels, among graph.Expr) graph.Expr {
	if labels.Err() != nil {
		return labels
	}
	n := labels.Shape()[0]
	same := graph.SameLabel(labels, labels).Mul(among.T()) // (B, B)
	return graph.RowSum(graph.Identity(labels, n), firstOfRow(same))
}

// firstOfRow is the mask (B, M) of the first column of each row where mask is 1.
func firstOfRow(mask graph.Expr) graph.Expr {
	if mask.Err() != nil {
		return mask
	}
	return graph.RowFarthest(mask, mask.Constant(0, mask.Shape()...)) // the first among equal ones
}
