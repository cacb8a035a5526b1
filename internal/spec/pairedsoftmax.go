package spec

// PairedSoftmax computes from x (N, D), y (M, D) and partners (N), which name a row of y for some rows
// of x, −1 for others, how well each row of x finds its partner among all partners, by products:
//
//	L_a = ln(1 + Σ over partners k other than p_a of e^(⟨x_a, y_k⟩ − ⟨x_a, y_p_a⟩))
//
// to (N), 0 of a row without a partner. A row of y that is the partner of several counts once. What
// is not chosen costs nothing: time goes by the number of chosen rows times that of partners.
type PairedSoftmax struct{ N, M, D int }

// PairedSoftmaxGrad computes the gradient to x (N, D), or with ToY that to y (M, D), from the inputs
// of PairedSoftmax and the gradient (N) to its result.
type PairedSoftmaxGrad struct {
	PairedSoftmax
	ToY bool
}
