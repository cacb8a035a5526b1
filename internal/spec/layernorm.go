package spec

// LayerNorm normalises each row of x (Rows, Cols) to mean 0 and variance 1, with ε = Eps, and
// with Gamma times γ (Cols), with Beta plus β (Cols). Its inputs are x and those of γ and β that
// there are.
type LayerNorm struct {
	Rows, Cols  int
	Eps         float64
	Gamma, Beta bool
}

// LayerNormGrad computes the gradient to x from x, γ if there is one, and dy.
type LayerNormGrad LayerNorm

// LayerNormParamsGrad computes the gradient to γ from x and dy; output 1 is that to β, (Cols) both.
type LayerNormParamsGrad LayerNorm

// Outputs is the gradient to β.
func (s LayerNormParamsGrad) Outputs() []Output { return []Output{{Shape: []int{s.Cols}}} }
