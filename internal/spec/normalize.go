package spec

// Normalize divides each row of x (Rows, Cols) by max(‖row‖, Eps), where the norm is that
// of P: the Euclidean one for 2, the sum of absolute values for 1, their largest for ∞.
type Normalize struct {
	Rows, Cols int
	P          float64
	Eps        float64
}

// NormalizeGrad computes dx from x, y = Normalize(x) and dy: (dy − u·⟨y, dy⟩)/‖x‖, where u
// is the norm's gradient (y for P = 2), or dy/Eps where ‖x‖ < Eps.
type NormalizeGrad Normalize
