// Package pairs is the language that losses and miners share: what a batch is, how its rows
// are compared, which pairs and triplets of it count, and how their terms become one number.
//
//   - A [Batch] has embeddings (B, E) with labels (B), and may have a reference set (M, E)
//     whose rows the embeddings are compared with, such as a memory or a second view.
//   - A [Metric] compares rows: [LP], [Cosine], [Dot], [SNR], or one of one's own.
//   - A [Selection] says which pairs and triplets of a batch count. Miners make it.
//   - [Batch.Compare] gives the distances (B, M) with the positive and the negative pairs;
//     a loss makes [Terms] of them.
//   - A [Reducer] makes one number of the terms: [Mean], [NonZero], [Sum], [Threshold],
//     [PerAnchor], [ClassWeighted], [Divisor], [Multiple].
//
// A whole loss over pairs:
//
//	func (l Mine) Loss(b pairs.Batch) graph.Expr {
//		c := b.Compare(pairs.LP{}) // (B, M)
//		near, far := c.D.Square(), c.D.Hinge(-1, l.Margin).Square()
//		return pairs.Terms{c.Term("pos", c.Pos, near), c.Term("neg", c.Neg, far)}.Reduce(pairs.Mean{})
//	}
//
// Letters: B rows of the batch, M rows of the reference set (M = B, the batch itself, if there
// is none), E the size of an embedding. A row of a (B, M) matrix belongs to one anchor.
//
// Masks of pairs take no memory: the kernels make them of labels, and of what a miner chose,
// when they read them. Weights, and what is computed of a mask, do.
package pairs
