package datasets

import (
	"fmt"
	"math"

	"medusa/internal/field"
)

// Alignment says to which places of the result the landmarks of a face are brought.
type Alignment string

// The ways to align.
const (
	AlignNone    Alignment = "none"    // pictures are resized; the default
	AlignArcFace Alignment = "arcface" // the five landmarks to those of ArcFace, as InsightFace's networks learned
)

// fivePoints are landmarks of a face: the eyes, the nose and the corners of the mouth, each time the left one as it is seen
// first. They are in pixels of the upright picture, number i of which has its centre at i, as OpenCV counts.
type fivePoints [5][2]float64

// arcFace are the landmarks of an aligned face of 112×112: J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: Additive
// Angular Margin Loss for Deep Face Recognition", CVPR 2019, and InsightFace's face_align.py.
var arcFace = fivePoints{{38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}}

// arcFaceSide is the side of the faces that arcFace is of.
const arcFaceSide = 112

// template are the landmarks of an aligned face of another size: scaled with its height, as InsightFace does, and in the middle of
// its width, which makes of 112×96 what SphereFace has.
func template(height, width int) fivePoints {
	scale := float64(height) / arcFaceSide
	points := arcFace
	for i := range points {
		points[i][0] = float64(scale*(points[i][0]-arcFaceSide/2)) + float64(width)/2
		points[i][1] *= scale
	}
	return points
}

// fit is the similarity — a turn, a scale and a shift — that brings p nearest to q, by least squares: S. Umeyama,
// "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns", PAMI 1991. Left and right stay as they are,
// which in a plane makes it a division of complex numbers: with means p̄ and q̄,
//
//	s = Σ conj(pᵢ − p̄)·(qᵢ − q̄) / Σ |pᵢ − p̄|²
func (p fivePoints) fit(q fivePoints) (affine, *problem) {
	px, py := p.mean()
	qx, qy := q.mean()
	var spread, re, im, mirroredRe, mirroredIm float64
	for i := range p {
		x, y, u, v := p[i][0]-px, p[i][1]-py, q[i][0]-qx, q[i][1]-qy
		spread += float64(x*x) + float64(y*y) // float64: not fused, so that all processors agree
		re += float64(x*u) + float64(y*v)
		im += float64(x*v) - float64(y*u)
		mirroredRe += float64(x*u) - float64(y*v)
		mirroredIm += float64(x*v) + float64(y*u)
	}
	if math.Hypot(mirroredRe, mirroredIm) > 2*math.Hypot(re, im) {
		return affine{}, &problem{reason: reasonLandmarks, picture: true, detail: "they are those of a mirrored face: the left eye and the left corner of the mouth are those on the left of the picture"}
	}
	a, b := re/spread, im/spread
	if scale := math.Hypot(a, b); !(scale <= mostEnlarged && scale >= 1./(1<<20)) {
		return affine{}, &problem{reason: reasonLandmarks, picture: true, detail: fmt.Sprintf("they lie within %.3g pixels of their middle: want pixels of the picture", math.Sqrt(spread/float64(len(p))))}
	}
	return affine{a, -b, qx - float64(a*px) + float64(b*py), b, a, qy - float64(b*px) - float64(a*py)}, nil
}

// mostEnlarged is above any face that is worth looking at.
const mostEnlarged = 32

func (p fivePoints) mean() (x, y float64) {
	for _, q := range p {
		x += q[0] / float64(len(p))
		y += q[1] / float64(len(p))
	}
	return x, y
}

// inverse is the way back of a similarity.
func (m affine) inverse() affine {
	square := float64(m.a*m.a) + float64(m.d*m.d)
	a, d := m.a/square, -m.d/square
	return affine{a, -d, float64(d*m.f) - float64(a*m.c), d, a, -float64(d*m.c) - float64(a*m.f)}
}

// at is where a place goes.
func (m affine) at(x, y float64) (u, v float64) {
	return float64(m.a*x) + float64(m.b*y) + m.c, float64(m.d*x) + float64(m.e*y) + m.f
}

// checkAlign decides an Align that is empty, and refuses what stands against one that is not.
func (o *Options) checkAlign() error {
	switch o.Align {
	case "", AlignNone:
		o.Align = AlignNone
		return nil
	case AlignArcFace:
	default:
		return wrongOption("%s is %q, want %q or %q", field.Name("Align"), o.Align, AlignArcFace, AlignNone)
	}
	against := func(name field.Name, value any) error {
		return wrongOption("%s is %v, but %s %s brings faces to their size by their landmarks: leave one of them out", name, value, field.Name("Align"), o.Align)
	}
	switch {
	case o.Resize != "" && o.Resize != Squeeze:
		return against("Resize", o.Resize)
	case o.CropPct != 0:
		return against("CropPct", o.CropPct)
	case o.Filter != "" && o.Filter != Bilinear:
		return against("Filter", o.Filter)
	}
	if o.Height == 0 && o.Width == 0 {
		o.Height, o.Width = arcFaceSide, arcFaceSide
	}
	return nil
}
