package spec

import "fmt"

// NormPool computes the largest number of each window of BatchNorm, cut at zero with Relu,
// some images at a time: what is normalised does not leave the cache. Inputs are those of
// BatchNorm, whose own Relu must not be set. Like MaxPool, the op is not to be merged with
// others.
type NormPool struct {
	BatchNorm
	Pool  Pool2D // of all images
	Relu  bool
	Saved *Saved
}

func (s NormPool) String() string {
	return fmt.Sprintf("NormPool %+v, %+v, ReLU %t", s.BatchNorm, s.Pool, s.Relu)
}
