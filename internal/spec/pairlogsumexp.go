package spec

// PairLogSumExp computes, from x (N, M), masks pos and neg (N, M) and among (M, M), for each pair
// (a, p) that pos holds
//
//	ln Σ over n with neg[a,n] of e^(x[a,n] + among[p,n])
//
// to (N, M): −∞ of an anchor without a negative, 0 where there is no pair. The inputs are x, those
// of the two masks, and among, which with Self is x and no input. Each pair takes O(M), so that all take time proportional to the
// number of pairs times M; memory is O(M) a worker.
//
// The exponents of a pair are added up before they are raised, less their maximum: were rows
// of e^x and of e^among multiplied, a sum whose one factor is too small for a number would be lost.
type PairLogSumExp struct {
	N, M     int
	Self     bool
	Pos, Neg Mask
}

// PairLogSumExpGrad computes from the inputs of PairLogSumExp and the gradient (N, M) to its
// result that to x (N, M); with Self both as x and as among.
type PairLogSumExpGrad PairLogSumExp

// PairLogSumExpAmongGrad computes from the inputs of PairLogSumExpGrad the gradient to among
// (M, M).
type PairLogSumExpAmongGrad PairLogSumExp
