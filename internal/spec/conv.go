package spec

import "github.com/pkg/errors"

// Conv2D is the geometry of a two-dimensional convolution (cross-correlation, as
// everywhere in the field) of activations x (N, C, H, W) with weights
// w (OutC, C/Groups, KH, KW) to y (N, OutC, OutH, OutW). Zeros in strides, dilations
// and Groups mean 1.
type Conv2D struct {
	N, C, H, W       int // input
	OutC, KH, KW     int // filters
	StrideH, StrideW int // step of the window; 1 if zero
	PadH, PadW       int // zeros on each side
	DilH, DilW       int // distance between taps; 1 if zero
	Groups           int // channels fall into so many independent groups; 1 if zero
}

// OutH is the height of the output.
func (p Conv2D) OutH() int {
	p = p.WithDefaults()
	return (p.H+2*p.PadH-p.DilH*(p.KH-1)-1)/p.StrideH + 1
}

// OutW is the width of the output.
func (p Conv2D) OutW() int {
	p = p.WithDefaults()
	return (p.W+2*p.PadW-p.DilW*(p.KW-1)-1)/p.StrideW + 1
}

// WithDefaults fills in what zero fields stand for.
func (p Conv2D) WithDefaults() Conv2D {
	for _, v := range []*int{&p.StrideH, &p.StrideW, &p.DilH, &p.DilW, &p.Groups} {
		if *v == 0 {
			*v = 1
		}
	}
	return p
}

// Validate says what is wrong with the geometry. The kernels expect a valid one and
// slices of its sizes.
func (p Conv2D) Validate() error {
	q := p.WithDefaults()
	for _, f := range []struct {
		name string
		v    int
	}{
		{"N", q.N}, {"C", q.C}, {"H", q.H}, {"W", q.W}, {"OutC", q.OutC}, {"KH", q.KH}, {"KW", q.KW},
		{"StrideH", q.StrideH}, {"StrideW", q.StrideW}, {"DilH", q.DilH}, {"DilW", q.DilW}, {"Groups", q.Groups},
	} {
		if f.v < 1 {
			return errors.Errorf("spec: convolution with %s = %d, want at least 1", f.name, f.v)
		}
	}
	if q.PadH < 0 || q.PadW < 0 {
		return errors.Errorf("spec: convolution with padding %d×%d, want at least 0", q.PadH, q.PadW)
	}
	if q.C%q.Groups != 0 || q.OutC%q.Groups != 0 {
		return errors.Errorf("spec: convolution of %d to %d channels does not divide into %d groups", q.C, q.OutC, q.Groups)
	}
	if h, w := q.H+2*q.PadH, q.W+2*q.PadW; h < q.DilH*(q.KH-1)+1 || w < q.DilW*(q.KW-1)+1 {
		return errors.Errorf("spec: convolution window %d×%d (dilation %d×%d) is larger than the padded input %d×%d",
			q.KH, q.KW, q.DilH, q.DilW, h, w)
	}
	return nil
}

// Depthwise reports whether each channel is convolved alone.
func (p *Conv2D) Depthwise() bool { return p.Groups > 1 && p.Groups == p.C && p.Groups == p.OutC }

// Conv computes y (N, OutC, OutH, OutW) = x ⋆ w + bias, cut at zero with Relu, from
// x (N, C, H, W), w (OutC, C/Groups, KH, KW) and, with Bias, bias (OutC).
type Conv struct {
	Conv2D
	Bias, Relu bool
}

// ConvNorm computes y = γ·(x ⋆ w − mean)·istd + β, cut at zero with Relu, from x, w,
// statistics (2, OutC) as RunningStats gives them, γ (OutC) and β (OutC): a convolution and
// its normalisation in one pass.
type ConvNorm struct {
	Conv2D
	Relu bool
}

// ConvGradInput computes the gradient to x from dy and w.
type ConvGradInput struct{ Conv2D }

// ConvGradWeight computes the gradient to w from x and dy; output 1 is that to a bias (OutC): dy summed over images and
// places, while it is read anyhow.
type ConvGradWeight struct{ Conv2D }

// Outputs is the gradient to a bias.
func (s ConvGradWeight) Outputs() []Output { return []Output{{Shape: []int{s.OutC}}} }
