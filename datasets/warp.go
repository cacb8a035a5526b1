package datasets

import "math"

// affine maps a place (x, y) to (a·x + b·y + c, d·x + e·y + f). Pixel i covers i … i+1.
type affine struct{ a, b, c, d, e, f float64 }

var identity = affine{a: 1, e: 1}

// thenScale returns m followed by (x, y) → (sx·x + tx, sy·y + ty).
func (m affine) thenScale(sx, sy, tx, ty float64) affine {
	return affine{sx * m.a, sx * m.b, sx*m.c + tx, sy * m.d, sy * m.e, sy*m.f + ty}
}

// thenRotate returns m followed by a turn by angle (radians) about (x, y).
func (m affine) thenRotate(angle, x, y float64) affine {
	sin, cos := math.Sincos(angle)
	m.c, m.f = m.c-x, m.f-y
	return affine{
		cos*m.a - sin*m.d, cos*m.b - sin*m.e, cos*m.c - sin*m.f + x,
		sin*m.a + cos*m.d, sin*m.b + cos*m.e, sin*m.c + cos*m.f + y,
	}
}

// thenShear returns m followed by (x, y) → (x + k·(y − middle), y).
func (m affine) thenShear(k, middle float64) affine {
	m.a, m.b, m.c = m.a+float64(k*m.d), m.b+float64(k*m.e), m.c+float64(k*(m.f-middle)) // float64: not fused
	return m
}

// moves reports whether m takes pixels to pixels without turning: mirrored or not,
// and shifted by whole pixels.
func (m affine) moves() bool {
	return m.b == 0 && m.d == 0 && math.Abs(m.a) == 1 && math.Abs(m.e) == 1 &&
		m.c == math.Trunc(m.c) && m.f == math.Trunc(m.f)
}

// kind is how the values of a picture are read from one of size from.
func (m affine) kind(to, from size) WarpKind {
	if to == from && m.moves() {
		return WarpMove
	}
	return WarpBilinear
}

// size is that of a plane.
type size struct{ height, width int }

// warp writes to each pixel of the planar picture dst what lies at its place under m in
// src: bilinear between pixel centres, the edge repeated outside.
func warp(dst []byte, to size, src []byte, from size, channels int, m affine) {
	if m.kind(to, from) == WarpMove {
		shift(dst, src, channels, to.height, to.width, m)
		return
	}
	plane, given := to.height*to.width, from.height*from.width
	du, dv := fixed(m.a), fixed(m.d)
	for y := range to.height {
		u, v := m.rowStart(y)
		for c := range channels {
			warpRow(dst[c*plane+y*to.width:][:to.width], src[c*given:(c+1)*given], from, u, v, du, dv)
		}
	}
}

// rowStart is the place of the first pixel of row y, fixed.
func (m affine) rowStart(y int) (u, v int64) {
	cy := float64(y) + 0.5
	u = fixed(float64(m.a*0.5)+float64(m.b*cy)+m.c-0.5) + halfWeight // float64: not fused, so that all
	v = fixed(float64(m.d*0.5)+float64(m.e*cy)+m.f-0.5) + halfWeight // processors and GPUs agree
	return u, v
}

// warpRow writes the pixels of a plane that lie at (u, v), (u + du, v + dv) …, which are
// fixed.
func warpRow(dst, plane []byte, from size, u, v, du, dv int64) {
	height, width := from.height, from.width
	for i := range dst {
		x, y := int(u>>16), int(v>>16)
		fx, fy := int(u>>8)&255, int(v>>8)&255
		u, v = u+du, v+dv
		if uint(x) >= uint(width-1) || uint(y) >= uint(height-1) {
			dst[i] = blendAtEdge(plane, height, width, x, y, fx, fy)
			continue
		}
		at := y*width + x
		top, low := plane[at:at+2], plane[at+width:at+width+2]
		dst[i] = blend(int(top[0]), int(top[1]), int(low[0]), int(low[1]), fx, fy)
	}
}

// blend weighs four neighbours; fx and fy have 8 binary places.
func blend(p00, p01, p10, p11, fx, fy int) byte {
	top := p00<<8 + (p01-p00)*fx
	low := p10<<8 + (p11-p10)*fx
	return byte((top<<8 + (low-top)*fy + 1<<15) >> 16)
}

// blendAtEdge is blend where neighbours lie outside of the plane: its edge is repeated.
func blendAtEdge(plane []byte, height, width, x, y, fx, fy int) byte {
	x0, x1 := min(max(x, 0), width-1), min(max(x+1, 0), width-1)
	y0, y1 := min(max(y, 0), height-1)*width, min(max(y+1, 0), height-1)*width
	return blend(int(plane[y0+x0]), int(plane[y0+x1]), int(plane[y1+x0]), int(plane[y1+x1]), fx, fy)
}

// halfWeight rounds a place to the 8 binary places that weights have.
const halfWeight = 1 << 7

// fixed is x with 16 binary places.
func fixed(x float64) int64 { return int64(math.Round(x * 65536)) }

// shift is warp for an m that moves pixels.
func shift(dst, src []byte, channels, height, width int, m affine) {
	x0, dx := int(m.c), int(m.a)
	y0, dy := int(m.f), int(m.e)
	if dx < 0 {
		x0-- // pixel 0 covers 0 … 1 and its mirror image −1 … 0
	}
	if dy < 0 {
		y0--
	}
	for c := range channels {
		for y := range height {
			from := (c*height + min(max(y0+dy*y, 0), height-1)) * width
			shiftRow(dst[(c*height+y)*width:][:width], src[from:][:width], x0, dx)
		}
	}
}

// shiftRow writes src[x0 + dx·i] to dst[i], the edges repeated.
func shiftRow(dst, src []byte, x0, dx int) {
	width := len(src)
	if dx > 0 {
		from, to := min(max(-x0, 0), width), min(max(width-x0, 0), width) // dst[from:to] lies inside
		for i := range from {
			dst[i] = src[0]
		}
		if from < to {
			copy(dst[from:to], src[x0+from:x0+to])
		}
		for i := max(from, to); i < width; i++ {
			dst[i] = src[width-1]
		}
		return
	}
	for i := range dst {
		dst[i] = src[min(max(x0-i, 0), width-1)]
	}
}
