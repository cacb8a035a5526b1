package spec

// Linear computes y (B, O) = x·wᵀ + bias from x (B, F), w (O, F) and, with Bias,
// bias (O), cut at zero with Relu.
type Linear struct {
	B, F, O    int
	Bias, Relu bool
}

// ChannelSum adds x (N, C, Plane) up to (C): the gradient to a bias.
type ChannelSum struct{ N, C, Plane int }

// AddRelu computes max(0, a + b) of N elements.
type AddRelu struct{ N int }
