// Package metrics measures embeddings: retrieval (Recall@K, precision@1, R-precision,
// MAP@R, MAP, MRR; CMC@K and mAP of re-identification), clustering (NMI, AMI, ARI,
// pairwise F1 after k-means), few-shot classification, thresholds for same or not (EER, TAR at FAR, AUC), and
// exact k-nearest-neighbour search. It works on plain slices.
//
// [Evaluate] does all of it for a [Set] of embeddings, either against itself, every
// query's own row left out, or against a gallery. [Search] returns the neighbours
// themselves, [Recall] measures from them at the least cost, [MostConfused] counts
// which classes are taken for which, [KMeans] clusters, [Verify] measures thresholds on
// the distance of two rows, [VerifyPairs] on a list of pairs, in cross-validation, [Episodes]
// draws N-way K-shot tasks, [OneShot] measures a given one. [ReRanking] and [Expand] better a ranking by
// its own neighbours, [Whitening] embeddings before they are compared, and [Classify] says of which class a
// query is, or that it is of none.
//
// # Exactness
//
// Every ranking is that of a plain loop: distances in float64 over the float32 values,
// and rows at exactly the same distance share their places (see below). The matrix product in float32 that does the bulk of
// the work only sorts out pairs that lie further apart than its proven error bound
// (see bound.go); the others are compared in float64. So a result depends neither on
// the number of threads nor on the kernel behind the product, equal rows are at
// distance zero, and no N×N array is ever held: memory is that of the embeddings plus
// a few MB.
//
// # Conventions
//
// A query is relevant to the gallery rows of its label, R in number. Queries with
// R = 0 are left out of the retrieval figures and counted in Result.LeftOut. With ρ₁ <
// ρ₂ < … the ranks of the relevant rows, the nearest row having rank 1:
//
//	Recall@K     1 if ρ₁ ≤ K, else 0 (equals CMC@K)
//	R-precision  |{i: ρᵢ ≤ R}| / R
//	MAP@R        1/R · Σ i/ρᵢ over ρᵢ ≤ R
//	MAP          1/R · Σ i/ρᵢ
//	MRR          1/ρ₁
//
// each averaged over the queries. Where rows are at exactly the same distance from a
// query, every order of them is as likely as any other, and a figure is its expectation:
// any fixed order, such as that of the rows, follows the labels where a set is sorted by
// class, and then flatters a network that puts all pictures on one point. Result.Tied
// counts the queries that this concerns. Neighbours that are listed come by the lower row.
//
// K. Musgrave, S. Belongie and S.-N. Lim, "A Metric
// Learning Reality Check", ECCV 2020, argue for MAP@R.
package metrics
