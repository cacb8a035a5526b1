package spec

// PairGrad computes the gradient to the rows that a Distance compares, to x (N, D) or, with
// ToY, to y (M, D), from x, y, the distances d (N, M) and the gradient g (N, M) to them. With
// Self there is no y, and it is the whole gradient to x. g is the sum of Parts, whose inputs
// follow in their order; what a part stands for is made row by row where it can be, and never
// written to memory. Where the distance is 0, its gradient is 0.
type PairGrad struct {
	Distance
	ToY    bool
	Parts  []Part
	Powers bool // PairPowers made d
}

// Part is a matrix (N, M) in a sum, with the inputs that it is made of.
type Part struct {
	Kind     PartKind
	Terms    RowTermsGrad  // of TermsPart
	Reduce   RowReduceGrad // of ReducePart
	Triplets TripletsGrad  // of TripletsPart, without Swap
}

// PartKind tells how a Part is made.
type PartKind string

// The kinds of Part.
const (
	MatrixPart   PartKind = "matrix"   // it is an input
	TermsPart    PartKind = "terms"    // RowTermsGrad of d, from the other inputs of RowTerms and the gradient (N, 1)
	TripletsPart PartKind = "triplets" // TripletsGrad of d, from the masks' inputs and the gradient (N, 1)
	ReducePart   PartKind = "reduce"   // RowReduceGrad of d, from the mask's inputs, what RowReduce has for it and the gradient, (N, 1) each
)

// Inputs is how many inputs the part has of its own.
func (p Part) Inputs() int {
	switch p.Kind {
	case TermsPart:
		return RowTerms(p.Terms).Inputs() + 1
	case ReducePart:
		return p.Reduce.Mask.Inputs() + len(RowReduce(p.Reduce).Outputs()) + 1
	case TripletsPart:
		return p.Triplets.Pos.Inputs() + p.Triplets.Neg.Inputs() + 1
	}
	return 1
}

// Symmetric reports whether the part's rows of g + gᵀ can be made as a pairPart says, of a batch compared with itself.
func (p Part) Symmetric() bool {
	switch p.Kind {
	case TermsPart:
		return p.Terms.Mask.Symmetric()
	case ReducePart:
		return p.Reduce.Op != RowLogSumExp || p.Reduce.Mask.Symmetric()
	case TripletsPart:
		return false
	}
	return true
}
