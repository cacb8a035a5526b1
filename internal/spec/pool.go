package spec

import "github.com/pkg/errors"

// Pool2D is the geometry of two-dimensional pooling: a window KH×KW slides over each
// plane H×W of Planes = N·C. Zeros in strides mean 1.
type Pool2D struct {
	Planes, H, W     int
	KH, KW           int
	StrideH, StrideW int
	PadH, PadW       int  // at most half of the window; padding never wins a maximum
	Ceil             bool // a last window may reach beyond the padded plane, if it begins inside
	ExcludePad       bool // an average counts only the pixels of the plane
}

// WithDefaults fills in what zero fields stand for.
func (p Pool2D) WithDefaults() Pool2D {
	for _, v := range []*int{&p.StrideH, &p.StrideW} {
		if *v == 0 {
			*v = 1
		}
	}
	return p
}

// OutH is the height of the output.
func (p Pool2D) OutH() int {
	p = p.WithDefaults()
	return poolSize(p.H, p.KH, p.StrideH, p.PadH, p.Ceil)
}

// OutW is the width of the output.
func (p Pool2D) OutW() int {
	p = p.WithDefaults()
	return poolSize(p.W, p.KW, p.StrideW, p.PadW, p.Ceil)
}

func poolSize(n, k, stride, pad int, ceil bool) int {
	room := n + 2*pad - k
	if !ceil {
		return room/stride + 1
	}
	out := (room+stride-1)/stride + 1
	if (out-1)*stride >= n+pad { // the last window begins in the padding
		out--
	}
	return out
}

// Validate says what is wrong with the geometry.
func (p Pool2D) Validate() error {
	q := p.WithDefaults()
	for _, f := range []struct {
		name string
		v    int
	}{
		{"Planes", q.Planes}, {"H", q.H}, {"W", q.W}, {"KH", q.KH}, {"KW", q.KW},
		{"StrideH", q.StrideH}, {"StrideW", q.StrideW},
	} {
		if f.v < 1 {
			return errors.Errorf("spec: pooling with %s = %d, want at least 1", f.name, f.v)
		}
	}
	if q.PadH < 0 || q.PadW < 0 || 2*q.PadH > q.KH || 2*q.PadW > q.KW {
		return errors.Errorf("spec: pooling window %d×%d with padding %d×%d, want at least 0 and at most half of the window",
			q.KH, q.KW, q.PadH, q.PadW)
	}
	if h, w := q.H+2*q.PadH, q.W+2*q.PadW; h < q.KH || w < q.KW {
		return errors.Errorf("spec: pooling window %d×%d is larger than the padded plane %d×%d",
			q.KH, q.KW, h, w)
	}
	return nil
}

// MaxPool computes the largest number of each window, cut at zero with Relu. Output 1 is the place of each maximum
// in its plane, (Planes, OutH, OutW).
type MaxPool struct {
	Pool2D
	Relu bool
}

// Outputs are the places of the maxima.
func (s MaxPool) Outputs() []Output { return s.places() }

func (p Pool2D) places() []Output {
	return []Output{{Shape: []int{p.Planes, p.OutH(), p.OutW()}, Places: true}}
}

// MaxPoolGrad computes dx from dy, gated already by a ReLU that MaxPool has, and the places of the maxima.
type MaxPoolGrad struct{ Pool2D }

// ReadsPlaces tells of the places of the maxima.
func (s MaxPoolGrad) ReadsPlaces() []int { return []int{1} }

// AvgPool computes the mean of each window.
type AvgPool struct{ Pool2D }

// AvgPoolGrad computes dx from dy.
type AvgPoolGrad struct{ Pool2D }

// PlaneMean computes the means (Planes) of x (Planes, Size).
type PlaneMean struct{ Planes, Size int }

// PlaneMeanGrad computes dx (Planes, Size) from dy (Planes).
type PlaneMeanGrad PlaneMean
