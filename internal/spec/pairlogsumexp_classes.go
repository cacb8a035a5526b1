package spec

// Sums over the pairs of a batch by its labels alone, where x is among too: the exponents of (a, p)
// are those of (p, a), x[a,n] + x[p,n] over the rows n of other classes. So each pair of rows is summed
// once, and one pass gives the gradient to x in both its roles.

// OfClasses reports whether the kernel does that.
func (s PairLogSumExp) OfClasses() bool {
	return s.Self && s.N == s.M && s.Pos.Pairs == Positive && s.Pos.Symmetric() && s.Neg.Pairs == Negative && s.Neg.Symmetric()
}
