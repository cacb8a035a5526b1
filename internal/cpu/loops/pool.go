package loops

import "medusa/internal/spec"

// window is the part of window out that lies inside [0, n).
func window(out, n, k, stride, pad int) (from, to int) {
	from = out*stride - pad
	return max(from, 0), min(from+k, n)
}

// MaxPool computes the maximum of each window for the planes [lo, hi) and, unless arg
// is nil, the index in its plane of the first pixel that attains it. A NaN wins.
func MaxPool[T Float](p *spec.Pool2D, lo, hi int, x, y []T, arg []int32) {
	q := p.WithDefaults()
	oh, ow := q.OutH(), q.OutW()
	halves := halves(q)
	for n := lo; n < hi; n++ {
		in, out := x[n*q.H*q.W:(n+1)*q.H*q.W], y[n*oh*ow:(n+1)*oh*ow]
		var at []int32
		if arg != nil {
			at = arg[n*oh*ow : (n+1)*oh*ow]
		}
		if halves {
			done := maxPoolRows(q.W, oh, ow, n == hi-1, in, out, at)
			maxPoolHalves(q.W, done, oh, ow, in, out, at)
			continue
		}
		if at == nil && q.KH == 3 && q.KW == 3 {
			maxPoolThrees(&q, oh, ow, in, out)
			continue
		}
		maxPoolPlane(&q, oh, ow, in, out, at)
	}
}

// halves tells windows of 2×2 side by side.
func halves(p spec.Pool2D) bool {
	return p.KH == 2 && p.KW == 2 && p.StrideH == 2 && p.StrideW == 2 && p.PadH == 0 && p.PadW == 0 && !p.Ceil
}

func maxPoolPlane[T Float](q *spec.Pool2D, oh, ow int, in, out []T, at []int32) {
	for i := range oh {
		for j := range ow {
			top, best := maxOfWindow(q, i, j, in)
			out[i*ow+j] = top
			if at != nil {
				at[i*ow+j] = int32(best)
			}
		}
	}
}

// maxOfWindow is the maximum of window (i, j) of a plane, and where it first stands.
func maxOfWindow[T Float](q *spec.Pool2D, i, j int, in []T) (top T, best int) {
	h0, h1 := window(i, q.H, q.KH, q.StrideH, q.PadH)
	w0, w1 := window(j, q.W, q.KW, q.StrideW, q.PadW)
	best = h0*q.W + w0
	top = in[best]
	for h := h0; h < h1; h++ {
		for w := w0; w < w1; w++ {
			if v := in[h*q.W+w]; v > top || v != v && top == top {
				top, best = v, h*q.W+w
			}
		}
	}
	return top, best
}

// maxPoolThrees is maxPoolPlane for windows of 3×3 whose places nobody asks for, without branches that cannot be predicted.
// Where the maximum is 0 or no number it may be written in several ways, of which the first counts.
func maxPoolThrees[T Float](q *spec.Pool2D, oh, ow int, in, out []T) {
	for i := range oh {
		h := i*q.StrideH - q.PadH
		inside := h >= 0 && h+3 <= q.H
		for j := range ow {
			var top T
			if w := j*q.StrideW - q.PadW; inside && w >= 0 && w+3 <= q.W {
				a := (*[3]T)(in[h*q.W+w:])
				b := (*[3]T)(in[(h+1)*q.W+w:])
				c := (*[3]T)(in[(h+2)*q.W+w:])
				top = max(max(a[0], a[1], a[2]), max(b[0], b[1], b[2]), max(c[0], c[1], c[2]))
			}
			if !(top > 0 || top < 0) {
				top, _ = maxOfWindow(q, i, j, in)
			}
			out[i*ow+j] = top
		}
	}
}

// maxPoolHalves is maxPoolPlane for windows of 2×2 at stride 2, from a row of them on.
func maxPoolHalves[T Float](width, row, oh, ow int, in, out []T, at []int32) {
	for i := row; i < oh; i++ {
		base := 2 * i * width
		a, b := in[base:base+2*ow], in[base+width:base+width+2*ow]
		dst := out[i*ow : (i+1)*ow]
		if at == nil {
			for j := range dst {
				dst[j] = max(a[2*j], a[2*j+1], b[2*j], b[2*j+1])
			}
			continue
		}
		index := at[i*ow : (i+1)*ow]
		for j := range dst {
			p, q, r, s := a[2*j], a[2*j+1], b[2*j], b[2*j+1]
			top := max(p, q, r, s)
			dst[j] = top
			index[j] = int32(base + 2*j + firstOf(top, p, q, r, width))
		}
	}
}

// firstOf is where in a window p q / r s of a plane of the given width its maximum top
// first stands: the first NaN if top is one.
func firstOf[T Float](top, p, q, r T, width int) int {
	at := width + 1
	if top == r {
		at = width
	}
	if top == q {
		at = 1
	}
	if top == p {
		at = 0
	}
	if top != top { // rare, and so well predicted
		switch {
		case p != p:
			at = 0
		case q != q:
			at = 1
		case r != r:
			at = width
		}
	}
	return at
}

// MaxPoolGrad computes dx of the planes [lo, hi) from dy and MaxPool's indices.
func MaxPoolGrad[T Float](p *spec.Pool2D, lo, hi int, dy []T, arg []int32, dx []T) {
	q := p.WithDefaults()
	oh, ow := q.OutH(), q.OutW()
	in, out := p.H*p.W, oh*ow
	whole := halves(q) && q.H == 2*oh && q.W == 2*ow
	for n := lo; n < hi; n++ {
		plane, at, g := dx[n*in:(n+1)*in], arg[n*out:(n+1)*out], dy[n*out:(n+1)*out]
		done := 0
		if whole {
			done = maxPoolGradRows(oh, ow, n == hi-1, g, at, plane)
		}
		clear(plane[2*done*q.W:])
		for i := done * ow; i < out; i++ {
			plane[at[i]] += g[i]
		}
	}
}

// AvgPool computes the mean of each window for the planes [lo, hi). Padding counts as
// zeros, unless the geometry excludes it.
func AvgPool[T Float](p *spec.Pool2D, lo, hi int, x, y []T) {
	q := p.WithDefaults()
	oh, ow := q.OutH(), q.OutW()
	for n := lo; n < hi; n++ {
		in, out := x[n*q.H*q.W:(n+1)*q.H*q.W], y[n*oh*ow:(n+1)*oh*ow]
		for i := range oh {
			h0, h1 := window(i, q.H, q.KH, q.StrideH, q.PadH)
			rows := counted(&q, i, q.H, q.KH, q.StrideH, q.PadH)
			for j := range ow {
				w0, w1 := window(j, q.W, q.KW, q.StrideW, q.PadW)
				var sum T
				for h := h0; h < h1; h++ {
					for _, v := range in[h*q.W+w0 : h*q.W+w1] {
						sum += v
					}
				}
				out[i*ow+j] = sum / T(rows*counted(&q, j, q.W, q.KW, q.StrideW, q.PadW))
			}
		}
	}
}

// AvgPoolGrad computes dx of the planes [lo, hi) from dy.
func AvgPoolGrad[T Float](p *spec.Pool2D, lo, hi int, dy, dx []T) {
	q := p.WithDefaults()
	oh, ow := q.OutH(), q.OutW()
	clear(dx[lo*q.H*q.W : hi*q.H*q.W])
	for n := lo; n < hi; n++ {
		in, out := dx[n*q.H*q.W:(n+1)*q.H*q.W], dy[n*oh*ow:(n+1)*oh*ow]
		for i := range oh {
			h0, h1 := window(i, q.H, q.KH, q.StrideH, q.PadH)
			rows := counted(&q, i, q.H, q.KH, q.StrideH, q.PadH)
			for j := range ow {
				w0, w1 := window(j, q.W, q.KW, q.StrideW, q.PadW)
				g := out[i*ow+j] / T(rows*counted(&q, j, q.W, q.KW, q.StrideW, q.PadW))
				for h := h0; h < h1; h++ {
					row := in[h*q.W+w0 : h*q.W+w1]
					for k := range row {
						row[k] += g
					}
				}
			}
		}
	}
}

// counted is how many pixels of window out count in an average along one axis: those on
// the plane and, if padding counts, in the padding; never those beyond it.
func counted(q *spec.Pool2D, out, n, k, stride, pad int) int {
	if q.ExcludePad {
		from, to := window(out, n, k, stride, pad)
		return to - from
	}
	from := out*stride - pad
	return min(from+k, n+pad) - from
}

// PlaneMean computes the mean of each of the planes [lo, hi) of the given size.
func PlaneMean[T Float](size, lo, hi int, x, y []T) {
	for n := lo; n < hi; n++ {
		y[n] = T(Sum(x[n*size:(n+1)*size]) / float64(size))
	}
}

// PlaneMeanGrad spreads dy evenly over each of the planes [lo, hi) of the given size.
func PlaneMeanGrad[T Float](size, lo, hi int, dy, dx []T) {
	for n := lo; n < hi; n++ {
		g := dy[n] / T(size)
		plane := dx[n*size : (n+1)*size]
		for i := range plane {
			plane[i] = g
		}
	}
}
