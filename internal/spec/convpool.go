package spec

import "fmt"

// ConvPool computes the largest number of each window of a convolution, cut at zero with
// Relu, some images at a time: the convolution itself, several times as large, does not
// leave the cache. Inputs are x and w; then, with Bias, bias (OutC), or, with Norm, those
// of ConvNorm. Like MaxPool, the op is not to be merged with others.
type ConvPool struct {
	Conv2D
	Pool             Pool2D // of all images
	Bias, Norm, Relu bool
	Saved            *Saved
}

func (s ConvPool) String() string {
	return fmt.Sprintf("ConvPool %+v, %+v, bias %t, norm %t, ReLU %t", s.Conv2D, s.Pool, s.Bias, s.Norm, s.Relu)
}
