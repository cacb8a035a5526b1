package loops

import (
	"math"
	"unsafe"

	"medusa/internal/spec"
)

// convDepth does convolutions of a channel at a time: as many groups as there are channels in
// and out. There is little to compute for each number, so that products of matrices would mostly
// copy. Here a plane is copied once, into phases of the stride with zeros around, in which the
// numbers that a tap meets follow each other; then rows of results are summed in registers,
// tap by tap.
type convDepth[T Float] struct {
	p                  spec.Conv2D
	x, w, scale, bias  []T // scale and bias may be nil
	y                  []T
	dw, dbias          []T
	relu               bool
	pass               depthPass
	planes             int // of a piece
	phases             []depthPhase
	rows, pitch        int // of a phase's plane
	top, left          int // of zeros before the gradient
	workers            []depthWorker[T]
	flat               int // numbers from the first result's place to the last one's
	outH, outW, inArea int
}

type depthPass int

const (
	depthForward depthPass = iota
	depthToInput
	depthToWeight
)

// depthPhase is the results, or the numbers of x, that lie a stride apart: what taps meet them
// and where, from where the first result's place stands. Going back, a phase is of results.
type depthPhase struct {
	row, col int // of the first
	h, w     int // of a backward phase
	taps     []int
	offsets  []int // in the copied plane
}

type depthWorker[T Float] struct {
	clean   bool // zeros stand around the plane
	plane   []T  // phases, or the gradient
	flat    []T  // the gradient in rows of pitch
	results []T  // of a backward phase that does not fill dx
	taps    []T  // of the phase
	offsets []int
	sums    []float64 // of weights
	dots    [4]float32
	args    depthArgs
}

// depthArgs is what the assembly of sums works on: rows of results, each the sum over taps of w
// times the number at its place in x from the tap's offset on. Pitches and offsets are in
// bytes; offsets are addresses once x is added. The assembly knows the layout.
type depthArgs struct {
	y, x, w, offsets unsafe.Pointer
	taps             int
	width, rows      int
	yPitch, xPitch   int
	scale, bias, low float32
}

// depthPieceWork is how many products a piece should have at least.
const depthPieceWork = 1 << 16

func (c *convDepth[T]) begin(p *spec.Conv2D, pass depthPass) {
	c.p, c.pass = *p, pass
	c.outH, c.outW, c.inArea = p.OutH(), p.OutW(), p.H*p.W
	c.planes = max(1, depthPieceWork/(c.outH*c.outW*p.KH*p.KW))
	c.phases = c.phases[:0]
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]depthWorker[T], n-len(c.workers))...)
	}
	for i := range c.workers {
		c.workers[i].clean = false
	}
}

// end forgets the caller's memory.
func (c *convDepth[T]) end() {
	c.x, c.w, c.scale, c.bias, c.y, c.dw, c.dbias = nil, nil, nil, nil, nil, nil, nil
	for i := range c.workers {
		c.workers[i].args = depthArgs{}
	}
}

func (c *convDepth[T]) forward(p *spec.Conv2D, x, w, scale, bias, y []T, relu bool) {
	c.begin(p, depthForward)
	c.x, c.w, c.scale, c.bias, c.y, c.relu = x, w, scale, bias, y, relu
	c.layForward()
	doAtMost(len(c.workers), ceil(p.N*p.C, c.planes), c)
	c.end()
}

func (c *convDepth[T]) gradWeight(p *spec.Conv2D, x, dy, dw, dbias []T) {
	c.begin(p, depthToWeight)
	c.x, c.y, c.dw, c.dbias = x, dy, dw, dbias
	c.layForward()
	doAtMost(len(c.workers), p.C, c)
	c.end()
}

func (c *convDepth[T]) gradInput(p *spec.Conv2D, dy, w, dx []T) {
	c.begin(p, depthToInput)
	c.x, c.w, c.y = dy, w, dx
	c.relu = false
	c.layBackward()
	doAtMost(len(c.workers), ceil(p.N*p.C, c.planes), c)
	c.end()
}

// addPhase adds a phase without taps, in memory of an earlier one if there is some.
func (c *convDepth[T]) addPhase() *depthPhase {
	if n := len(c.phases); n < cap(c.phases) {
		c.phases = c.phases[:n+1]
	} else {
		c.phases = append(c.phases, depthPhase{})
	}
	f := &c.phases[len(c.phases)-1]
	f.taps, f.offsets = f.taps[:0], f.offsets[:0]
	return f
}

// layForward lays out the phases of x: phase (a, b) holds the numbers at a + i·StrideH,
// b + j·StrideW of the padded plane. All phases have one pitch.
func (c *convDepth[T]) layForward() {
	p := &c.p
	reachH, reachW := p.DilH*(p.KH-1)/p.StrideH, p.DilW*(p.KW-1)/p.StrideW
	c.rows, c.pitch = c.outH+reachH, c.outW+reachW
	c.flat = (c.outH-1)*c.pitch + c.outW
	at := 0
	for a := range p.StrideH {
		for b := range p.StrideW {
			phase := c.addPhase()
			phase.row, phase.col = a-p.PadH, b-p.PadW
			for i := range p.KH {
				for j := range p.KW {
					if r, q := i*p.DilH, j*p.DilW; r%p.StrideH == a && q%p.StrideW == b {
						phase.taps = append(phase.taps, i*p.KW+j)
						phase.offsets = append(phase.offsets, at+r/p.StrideH*c.pitch+q/p.StrideW)
					}
				}
			}
			if len(phase.taps) == 0 { // no tap meets it
				c.phases = c.phases[:len(c.phases)-1]
				continue
			}
			at += c.rows * c.pitch
		}
	}
}

// layBackward lays out the phases of dx: row a + i·StrideH sees, by the taps that meet it, rows
// of dy that follow each other with i.
func (c *convDepth[T]) layBackward() {
	p := &c.p
	rowsOf := func(n, stride, first int) int { return (n - first + stride - 1) / stride }
	low, high := [2]int{}, [2]int{} // the rows and columns of dy that are seen
	meet := func(first, pad, dil, stride, tap int) (int, bool) {
		at := first + pad - tap*dil
		return floorDiv(at, stride), floorMod(at, stride) == 0
	}
	for a := range min(p.StrideH, p.H) {
		for b := range min(p.StrideW, p.W) {
			phase := c.addPhase()
			phase.row, phase.col, phase.h, phase.w = a, b, rowsOf(p.H, p.StrideH, a), rowsOf(p.W, p.StrideW, b)
			for i := range p.KH {
				r, ok := meet(a, p.PadH, p.DilH, p.StrideH, i)
				if !ok {
					continue
				}
				for j := range p.KW {
					q, ok := meet(b, p.PadW, p.DilW, p.StrideW, j)
					if !ok {
						continue
					}
					low, high = [2]int{min(low[0], r), min(low[1], q)}, [2]int{max(high[0], r+phase.h), max(high[1], q+phase.w)}
					phase.taps = append(phase.taps, i*p.KW+j)
					phase.offsets = append(phase.offsets, r, q)
				}
			}
		}
	}
	c.top, c.left = -low[0], -low[1]
	c.rows, c.pitch = c.top+max(high[0], c.outH), c.left+max(high[1], c.outW)
	for i := range c.phases {
		o := c.phases[i].offsets
		for k := range c.phases[i].taps {
			o[k] = (o[2*k]+c.top)*c.pitch + o[2*k+1] + c.left
		}
		c.phases[i].offsets = o[:len(c.phases[i].taps)]
	}
}

// Piece does some planes, or one channel of all images.
func (c *convDepth[T]) Piece(piece, worker int) {
	w := &c.workers[worker]
	if c.pass == depthToWeight {
		c.channelGrad(w, piece)
		return
	}
	for i := piece * c.planes; i < min((piece+1)*c.planes, c.p.N*c.p.C); i++ {
		if c.pass == depthForward {
			c.planeForward(w, i)
		} else {
			c.planeBackward(w, i)
		}
	}
}

// clear makes the worker's plane ready, with zeros wherever nothing is copied to.
func (c *convDepth[T]) clear(w *depthWorker[T], n int) {
	if !w.clean {
		w.plane = grow(w.plane, n)
		clear(w.plane)
		w.clean = true
	}
}

// copyPhases copies a plane of x into its phases.
func (c *convDepth[T]) copyPhases(w *depthWorker[T], x []T) {
	p := &c.p
	c.clear(w, len(c.phases)*c.rows*c.pitch)
	for i := range c.phases {
		f := &c.phases[i]
		dst := w.plane[i*c.rows*c.pitch:]
		r0, c0 := firstInside(f.row, p.StrideH), firstInside(f.col, p.StrideW)
		r1 := min(c.rows, ceil(max(p.H-f.row, 0), p.StrideH))
		c1 := min(c.pitch, ceil(max(p.W-f.col, 0), p.StrideW))
		if c1 <= c0 || r1 <= r0 {
			continue
		}
		at := (f.row+r0*p.StrideH)*p.W + f.col + c0*p.StrideW
		if p.StrideW == 1 {
			copyRows(dst[r0*c.pitch+c0:], x[at:], c1-c0, r1-r0, c.pitch, p.StrideH*p.W)
			continue
		}
		for r := r0; r < r1; r++ {
			everyOther(dst[r*c.pitch+c0:r*c.pitch+c1], x[at:], p.StrideW)
			at += p.StrideH * p.W
		}
	}
}

// everyOther fills dst with the numbers of src that stand step apart.
func everyOther[T Float](dst, src []T, step int) {
	_ = src[(len(dst)-1)*step]
	if step == 2 {
		for i := range dst {
			dst[i] = src[2*i]
		}
		return
	}
	for i := range dst {
		dst[i] = src[i*step]
	}
}

// firstInside is the first i with from + i·step ≥ 0.
func firstInside(from, step int) int { return ceil(max(-from, 0), step) }

func (c *convDepth[T]) planeForward(w *depthWorker[T], i int) {
	p, taps := &c.p, c.p.KH*c.p.KW
	c.copyPhases(w, c.x[i*c.inArea:(i+1)*c.inArea])
	ch := i % p.C
	s := depthSum[T]{y: c.y[i*c.outH*c.outW:], yPitch: c.outW, width: c.outW, rows: c.outH, x: w.plane, xPitch: c.pitch, scale: 1, relu: c.relu}
	if c.scale != nil {
		s.scale = c.scale[ch]
	}
	if c.bias != nil {
		s.bias = c.bias[ch]
	}
	w.taps, w.offsets = w.taps[:0], w.offsets[:0]
	for k := range c.phases {
		for j, t := range c.phases[k].taps {
			w.taps = append(w.taps, c.w[ch*taps+t])
			w.offsets = append(w.offsets, c.phases[k].offsets[j])
		}
	}
	w.sum(&s)
}

func (c *convDepth[T]) planeBackward(w *depthWorker[T], i int) {
	p, taps := &c.p, c.p.KH*c.p.KW
	c.clear(w, c.rows*c.pitch)
	copyRows(w.plane[c.top*c.pitch+c.left:], c.x[i*c.outH*c.outW:(i+1)*c.outH*c.outW], c.outW, c.outH, c.pitch, c.outW)
	dx, ch := c.y[i*c.inArea:(i+1)*c.inArea], i%p.C
	for k := range c.phases {
		f := &c.phases[k]
		s := depthSum[T]{y: dx, yPitch: p.W, width: f.w, rows: f.h, x: w.plane, xPitch: c.pitch, scale: 1}
		alone := p.StrideH == 1 && p.StrideW == 1
		if !alone {
			w.results = grow(w.results, f.h*f.w)
			s.y, s.yPitch = w.results, f.w
		}
		w.taps, w.offsets = w.taps[:0], w.offsets[:0]
		for j, t := range f.taps {
			w.taps, w.offsets = append(w.taps, c.w[ch*taps+t]), append(w.offsets, f.offsets[j])
		}
		w.sum(&s)
		if alone {
			return
		}
		for r := range f.h {
			dst := dx[(f.row+r*p.StrideH)*p.W+f.col:]
			for q, v := range w.results[r*f.w : (r+1)*f.w] {
				dst[q*p.StrideW] = v
			}
		}
	}
}

// channelGrad sums the gradient to the filter of a channel, and to its bias, over the images.
func (c *convDepth[T]) channelGrad(w *depthWorker[T], ch int) {
	p, taps, area := &c.p, c.p.KH*c.p.KW, c.outH*c.outW
	w.sums = grow(w.sums, taps)
	clear(w.sums)
	w.flat = grow(w.flat, c.flat)
	clear(w.flat) // between the rows there stays 0
	var bias float64
	for n := range p.N {
		i := n*p.C + ch
		c.copyPhases(w, c.x[i*c.inArea:(i+1)*c.inArea])
		dy := c.y[i*area : (i+1)*area]
		copyRows(w.flat, dy, c.outW, c.outH, c.pitch, c.outW)
		if c.dbias != nil {
			bias += Sum(dy)
		}
		for k := range c.phases {
			w.dotTaps(&c.phases[k])
		}
	}
	for t, v := range w.sums {
		c.dw[ch*taps+t] = T(v)
	}
	if c.dbias != nil {
		c.dbias[ch] = T(bias)
	}
}

// dotTaps adds the products of the gradient with what each tap meets of a phase.
func (w *depthWorker[T]) dotTaps(f *depthPhase) {
	n := len(w.flat)
	if active.simd.dots == nil || !isSingle[T]() {
		for j, t := range f.taps {
			w.sums[t] += Dot(w.flat, w.plane[f.offsets[j]:f.offsets[j]+n])
		}
		return
	}
	for j := 0; j < len(f.taps); j += 4 {
		at := func(i int) *float32 {
			o := f.offsets[min(j+i, len(f.taps)-1)]
			return single(w.plane[o : o+n])
		}
		active.simd.dots(&w.dots[0], single(w.flat), at(0), at(1), at(2), at(3), n)
		for i, t := range f.taps[j:min(j+4, len(f.taps))] {
			w.sums[t] += float64(w.dots[i])
		}
	}
}

// depthSum is rows of results y = scale·Σ w·x + bias, cut at 0 with relu.
type depthSum[T Float] struct {
	y, x           []T
	yPitch, xPitch int
	width, rows    int
	scale, bias    T
	relu           bool
}

// sum computes s over the worker's taps.
func (w *depthWorker[T]) sum(s *depthSum[T]) {
	f := active.simd.depthTaps
	if f == nil || !isSingle[T]() || len(w.taps) == 0 {
		w.sumLoop(s)
		return
	}
	// The assembly trusts the sizes.
	_ = s.y[(s.rows-1)*s.yPitch+s.width-1]
	for _, o := range w.offsets {
		_ = s.x[o+(s.rows-1)*s.xPitch+s.width-1]
	}
	low := float32(math.Inf(-1))
	if s.relu {
		low = 0
	}
	for i := range w.offsets {
		w.offsets[i] *= 4
	}
	w.args = depthArgs{
		y: unsafe.Pointer(single(s.y)), x: unsafe.Pointer(single(s.x)), w: unsafe.Pointer(single(w.taps)), offsets: unsafe.Pointer(&w.offsets[0]),
		taps: len(w.taps), width: s.width, rows: s.rows, yPitch: 4 * s.yPitch, xPitch: 4 * s.xPitch,
		scale: float32(s.scale), bias: float32(s.bias), low: low,
	}
	f(&w.args)
}

// sumLoop is the meaning of the assembly.
func (w *depthWorker[T]) sumLoop(s *depthSum[T]) {
	for r := range s.rows {
		row := s.y[r*s.yPitch : r*s.yPitch+s.width]
		clear(row)
		for k, v := range w.taps {
			from := w.offsets[k] + r*s.xPitch
			for i, x := range s.x[from : from+s.width] {
				row[i] += v * x
			}
		}
		for i, v := range row {
			v = T(v*s.scale) + s.bias
			if s.relu && v < 0 {
				v = 0
			}
			row[i] = v
		}
	}
}

func floorDiv(a, b int) int { return (a - floorMod(a, b)) / b }

func floorMod(a, b int) int { return ((a % b) + b) % b }
