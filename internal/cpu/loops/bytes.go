package loops

import (
	"math"
	"unsafe"
)

// A row of bytes is a quarter of one of float32, and to read rows is what a product of one vector with many
// costs. The vector has 16-bit integers, so that nearly all of the error is that of the rows.

// ByteRows is how many rows a panel has; ByteProducts does whole panels.
const ByteRows = 32

// BytePanel is what ByteProducts makes of sums over a panel: dst = alpha·scale·sum + bias − c·slack, each operation
// rounded once.
type BytePanel struct {
	Panels             []int8
	Scale, Bias, Slack []float32 // one a row
}

// Part is the panels of the rows [first, end), of pitch elements.
func (p *BytePanel) Part(first, end, pitch int) *BytePanel {
	return &BytePanel{p.Panels[first*pitch : end*pitch], p.Scale[first:end], p.Bias[first:end], p.Slack[first:end]}
}

// HasBytes reports whether ByteProducts is faster than products of float32.
func HasBytes() bool { return active.simd.byteProducts != nil }

// BytePanels brings rows of pitch elements, a result of ShortPitch, into the order in which ByteProducts reads them:
// panels of ByteRows rows, pairs of elements of all rows of a panel together. dst has room for whole panels.
func BytePanels(dst, rows []int8, count, pitch int) {
	mustHold("BytePanels", "rows", rows, count*pitch)
	mustHold("BytePanels", "dst", dst, ceil(count, ByteRows)*ByteRows*pitch)
	for i := range count {
		panel := dst[i/ByteRows*ByteRows*pitch:]
		for p, at := 0, 2*(i%ByteRows); p < pitch; p, at = p+2, at+2*ByteRows {
			panel[at], panel[at+1] = rows[i*pitch+p], rows[i*pitch+p+1]
		}
	}
}

// ByteProducts multiplies x of pitch elements with the rows of whole panels; see BytePanel. No sum may leave 32 bits.
func ByteProducts(dst []float32, x []int16, p *BytePanel, alpha, c float32) {
	n, pitch := len(dst), len(x)
	if n == 0 {
		return
	}
	mustHold("ByteProducts", "panels", p.Panels, n*pitch)
	for _, s := range [][]float32{p.Scale, p.Bias, p.Slack} {
		mustHold("ByteProducts", "numbers of rows", s, n)
	}
	if n%ByteRows != 0 || pitch%shortQuad != 0 || pitch == 0 {
		panic("loops: ByteProducts of parts of panels") // a programmer's mistake
	}
	f := active.simd.byteProducts
	if f == nil {
		f = byteLoop
	}
	f(&dst[0], &x[0], &p.Panels[0], &p.Scale[0], &p.Bias[0], &p.Slack[0], n/ByteRows, pitch/shortQuad, alpha, c)
}

// byteLoop is the meaning of the kernel.
func byteLoop(dst *float32, x *int16, panel *int8, scale, bias, slack *float32, panels, quads int, alpha, c float32) {
	pitch := shortQuad * quads
	n := panels * ByteRows
	out, xs, bytes := unsafe.Slice(dst, n), unsafe.Slice(x, pitch), unsafe.Slice(panel, n*pitch)
	scales, biases, slacks := unsafe.Slice(scale, n), unsafe.Slice(bias, n), unsafe.Slice(slack, n)
	for i := range out {
		row := bytes[i/ByteRows*ByteRows*pitch:]
		var sum int32
		for k, v := range xs {
			sum += int32(v) * int32(row[k/2*2*ByteRows+2*(i%ByteRows)+k%2])
		}
		v := float32(float32(float32(sum)*scales[i]) * alpha)
		v = float32(v + biases[i])
		out[i] = v - float32(c*slacks[i])
	}
}

// Bytes rounds a row to bytes, times a scale that it returns, and fills what is left of dst with 0. It also returns the length
// of what rounding takes away. src must be finite, and its largest element a normal number or all zeros.
func Bytes(dst []int8, src []float32) (scale float32, lost float64) {
	mustHold("Bytes", "dst", dst, len(src))
	clear(dst[len(src):])
	largest := float32(0)
	for _, v := range src {
		largest = max(largest, v, -v)
	}
	if largest == 0 {
		clear(dst)
		return 0, 0
	}
	scale = largest / math.MaxInt8
	sum, step := 0.0, float64(scale)
	for i, v := range src {
		code := min(max(math.RoundToEven(float64(v)/step), -math.MaxInt8), math.MaxInt8)
		dst[i] = int8(code)
		apart := float64(v) - code*step
		sum += apart * apart
	}
	return scale, math.Sqrt(sum)
}
