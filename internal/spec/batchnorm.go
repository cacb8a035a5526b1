package spec

// BatchNorm computes γ·(x − mean)·istd + β from x (N, C, Plane), N pictures of C channels, each a
// plane of Plane pixels (1 for vectors), statistics (2, C), of N·Plane numbers a channel, γ (C) and
// β (C). S. Ioffe and C. Szegedy, "Batch Normalization", ICML 2015.
type BatchNorm struct {
	N, C, Plane int
	Relu        bool // the output is cut at zero
}

// BatchStats computes from x (N, C, Plane) the statistics (2, C) that normalise it: the
// means and then the inverse standard deviations 1/√(variance + Eps). As a side effect
// it moves the running mean and variance, inputs 1 and 2, (C) each, by Momentum towards
// those of the batch; the running variance takes the unbiased one. An op of it is not to
// be merged with others.
type BatchStats struct {
	N, C, Plane   int
	Momentum, Eps float64
}

// Writes tells that the op changes the running mean and variance.
func (s BatchStats) Writes() []int { return []int{1, 2} }

// RunningStats computes the statistics (2, C) of BatchStats from a running mean and
// variance, (C) each.
type RunningStats struct {
	C   int
	Eps float64
}

// BatchNormAdd computes max(0, BatchNorm + z) from the inputs of BatchNorm and z, all of x's
// shape, a plane at a time, so that what is normalised never goes to memory. The Relu of
// BatchNorm is not looked at.
type BatchNormAdd struct{ BatchNorm }

// BatchNormParamsGrad computes the gradient to γ from BatchNorm's inputs and dy; output 1 is that to β, (C) both.
type BatchNormParamsGrad struct{ BatchNorm }

// Outputs is the gradient to β.
func (s BatchNormParamsGrad) Outputs() []Output { return []Output{{Shape: []int{s.C}}} }

// BatchNormGrad computes the gradient to x from BatchNorm's inputs, dy and, unless the
// statistics are Fixed, both outputs of BatchNormParamsGrad.
type BatchNormGrad struct {
	BatchNorm
	Fixed bool // the statistics do not depend on x
}
