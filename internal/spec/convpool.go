package spec

// ConvPool computes the largest number of each window of a convolution, cut at zero with
// Relu, some images at a time: the convolution itself, several times as large, does not
// leave the cache. Inputs are x and w; then, with Bias, bias (OutC), or, with Norm, those
// of ConvNorm. Output 1 is that of MaxPool.
type ConvPool struct {
	Conv2D
	Pool             Pool2D // of all images
	Bias, Norm, Relu bool
}

// Outputs are the places of the maxima.
func (s ConvPool) Outputs() []Output { return s.Pool.places() }
