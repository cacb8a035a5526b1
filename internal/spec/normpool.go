package spec

// NormPool computes the largest number of each window of BatchNorm, cut at zero with Relu,
// some images at a time: what is normalised does not leave the cache. Inputs are those of
// BatchNorm, whose own Relu must not be set. Output 1 is that of MaxPool.
type NormPool struct {
	BatchNorm
	Pool Pool2D // of all images
	Relu bool
}

// Outputs are the places of the maxima.
func (s NormPool) Outputs() []Output { return s.Pool.places() }
