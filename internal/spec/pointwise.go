package spec

// Func names a function of one variable.
type Func string

// The functions of Unary. a and b are the spec's parameters.
const (
	Affine    Func = "affine"    // a·x + b
	Relu      Func = "relu"      // max(0, x); derivative 0 at 0
	Hinge     Func = "hinge"     // max(0, a·x + b); derivative 0 where it is 0
	Square    Func = "square"    // x²
	Sqrt      Func = "sqrt"      // √max(x, 0); derivative 0 at 0
	Exp       Func = "exp"       // eˣ
	Log       Func = "log"       // ln x
	Softplus  Func = "softplus"  // ln(1 + eˣ), without overflow
	Sigmoid   Func = "sigmoid"   // 1/(1 + e⁻ˣ)
	Tanh      Func = "tanh"      // tanh x
	Abs       Func = "abs"       // |x|; derivative 0 at 0
	Power     Func = "power"     // xᵃ; derivative 0 at 0 if 0 ≤ a < 1
	Clamp     Func = "clamp"     // min(max(x, a), b); derivative 0 outside [a, b]
	Acos      Func = "acos"      // arc cosine of x clamped to [−1, 1]; derivative 0 at the ends and beyond
	Cos       Func = "cos"       // cosine
	Gelu      Func = "gelu"      // x·Φ(x), Φ the normal distribution's function
	GeluTanh  Func = "gelutanh"  // ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
	Swish     Func = "swish"     // x/(1 + e^(−a·x))
	HardSwish Func = "hardswish" // x·min(max(x/6 + ½, 0), 1); derivative x/3 + ½ from −3 to 3
	Step      Func = "step"      // 1 if x > a, else 0; derivative 0
	Equal     Func = "equal"     // 1 if x = a, else 0; derivative 0
)

// Unary computes f(x) at every one of N elements.
type Unary struct {
	F    Func
	A, B float64
	N    int
}

// UnaryGrad computes dx = dy·f′(x) from those of x and y = f(x) that F.Needs tells, and dy.
type UnaryGrad Unary

// Needs tells what the derivative is computed from, besides the gradient: x, y = f(x),
// both or neither. What is not needed need not be kept.
func (f Func) Needs() (x, y bool) {
	switch f {
	case Affine:
		return false, false
	case Relu, Hinge, Exp, Sqrt, Sigmoid, Tanh:
		return false, true
	}
	return true, false
}
