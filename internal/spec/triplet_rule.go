package spec

// TripletRule says more than Triplets by itself about which triplets count, and how often. Its
// zero value adds nothing.
type TripletRule struct {
	// Apart: the window looks at distances w (N, M) of its own, an input, not at d.
	Apart bool
	// Sides, if not zero, make the difference that lies in the window, AP·W_ap + AN·W_an + PN·W_pn;
	// zero: W_an − W_ap. With ApartAmong the W_pn are in an input (M, M); else they are in w, a
	// batch's distances from itself.
	Sides      Sides
	ApartAmong bool
	// Partners: an input (N, M) holds, for each positive pair, the one negative that makes a
	// triplet with it, a column; −1 if none does.
	Partners bool
	// Weighted: a triplet counts as often as the product of what the masks hold of its pairs.
	Weighted bool
}

// Sides are factors of the sides of a triplet.
type Sides struct{ AP, AN, PN float64 }

// Inputs is how many inputs the rule has.
func (r TripletRule) Inputs() int { return btoi(r.Apart) + btoi(r.ApartAmong) + btoi(r.Partners) }

// Each reports whether every triplet is visited by itself.
func (s Triplets) Each() bool { return s.Swap || s.Smooth || s.Rule != TripletRule{} }

// Factors are the factors of the window.
func (r TripletRule) Factors() Sides {
	if r.Sides == (Sides{}) {
		return Sides{AP: -1, AN: 1}
	}
	return r.Sides
}
