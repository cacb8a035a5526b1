package loops

import (
	"unsafe"

	"medusa/internal/spec"
)

// A convWindow is a convolution seen as a product of matrices: weights times a matrix whose
// columns are the places of a grid and whose rows, one for each channel and tap, are what
// the tap sees there. That matrix is never made. The source's planes are copied once into
// a form in which every row of it is a shifted view: zeros stand around the picture, and
// with a step of s across, the columns 0, s, 2s … come first, then 1, s+1 … .
type convWindow struct {
	channels, srcH, srcW int
	stepH, stepW         int   // in the source, from one place of the grid to the next
	gridH, gridW         int   // places
	taps                 []tap // what is seen from a place

	top, left int       // source coordinates of the copy's first row and column
	rows      int       // of a copied plane
	cols      int       // of a copied plane, for each of the stepW remainders
	used      []bool    // remainders of rows (stepH), then of columns (stepW), that a tap sees
	across    []stretch // of columns that are copied, for each remainder
	direct    bool      // the source itself has the form
}

// tap is the distance from a place times the step to the element seen.
type tap struct{ h, w int }

// layout derives the form of the copy. reuse says that a source in the right form need
// not be copied.
func (v *convWindow) layout(reuse bool) {
	v.top, v.left = v.taps[0].h, v.taps[0].w
	bottom, right := v.top, v.left
	for _, t := range v.taps {
		v.top, v.left = min(v.top, t.h), min(v.left, t.w)
		bottom, right = max(bottom, t.h), max(right, t.w)
	}
	v.rows = (v.gridH-1)*v.stepH + bottom - v.top + 1
	v.cols = ceil((v.gridW-1)*v.stepW+right-v.left+1, v.stepW)
	v.used = grow(v.used, v.stepH+v.stepW)
	clear(v.used)
	for _, t := range v.taps {
		v.used[(t.h-v.top)%v.stepH] = true
		v.used[v.stepH+(t.w-v.left)%v.stepW] = true
	}
	v.across = v.across[:0]
	for r := range v.stepW {
		v.across = append(v.across, v.stretchOf(r))
	}
	v.direct = reuse && v.stepW == 1 && v.top == 0 && v.left == 0 && v.rows <= v.srcH && v.cols == v.srcW
	if v.direct {
		v.rows = v.srcH
	}
}

// forward makes the window of y over x, in one of the groups.
func (v *convWindow) forward(p *spec.Conv2D, groups int) {
	v.channels, v.srcH, v.srcW = p.C/groups, p.H, p.W
	v.stepH, v.stepW = p.StrideH, p.StrideW
	v.gridH, v.gridW = p.OutH(), p.OutW()
	v.taps = v.taps[:0]
	for i := range p.KH {
		for j := range p.KW {
			v.taps = append(v.taps, tap{i*p.DilH - p.PadH, j*p.DilW - p.PadW})
		}
	}
	v.layout(groups == 1)
}

// backward makes the window of the rows h, h+stride … and columns w, w+stride … of the
// gradient with respect to x over that with respect to y. There may be no taps.
func (v *convWindow) backward(p *spec.Conv2D, h, w int) {
	v.channels, v.srcH, v.srcW = p.OutC/p.Groups, p.OutH(), p.OutW()
	v.stepH, v.stepW = 1, 1
	v.gridH, v.gridW = ceil(p.H-h, p.StrideH), ceil(p.W-w, p.StrideW)
	v.taps = v.taps[:0]
	for i := range p.KH {
		for j := range p.KW {
			dh, dw := h+p.PadH-i*p.DilH, w+p.PadW-j*p.DilW
			if dh%p.StrideH == 0 && dw%p.StrideW == 0 {
				v.taps = append(v.taps, tap{dh / p.StrideH, dw / p.StrideW})
			}
		}
	}
	if len(v.taps) > 0 {
		v.layout(p.Groups == 1 && len(v.taps) == 1)
	}
}

func (v *convWindow) pitch() int { return v.cols * v.stepW } // of rows in a copied plane
func (v *convWindow) plane() int { return v.rows * v.pitch() }
func (v *convWindow) image() int { return v.channels * v.plane() }
func (v *convWindow) depth() int { return v.channels * len(v.taps) } // rows of the matrix

// offset is where a channel's tap sees the first place, in the copy.
func (v *convWindow) offset(channel, t int) int {
	h, w := v.taps[t].h-v.top, v.taps[t].w-v.left
	return channel*v.plane() + h*v.pitch() + w%v.stepW*v.cols + w/v.stepW
}

// place is how far a place of the grid is from the first one.
func (v *convWindow) place(i, j int) int { return i*v.stepH*v.pitch() + j }

// copyPlanes brings planes of src into the form. What lies around the pictures must be
// zero already.
func copyPlanes[T Float](v *convWindow, dst, src []T, planes int) {
	top, left := max(0, v.top), max(0, v.left)
	bottom, right := min(v.srcH, v.top+v.rows), min(v.srcW, v.left+v.cols)
	for p := range planes {
		dst, src := dst[p*v.plane():(p+1)*v.plane()], src[p*v.srcH*v.srcW:(p+1)*v.srcH*v.srcW]
		if v.stepW == 1 && v.stepH == 1 {
			if top < bottom && left < right {
				copyRows(dst[(top-v.top)*v.cols+left-v.left:], src[top*v.srcW+left:], right-left, bottom-top, v.cols, v.srcW)
			}
			continue
		}
		copyPlane(v, dst, src)
	}
}

// copyRows copies rows of width elements; the pitches are in elements.
func copyRows[T Float](dst, src []T, width, rows, dstPitch, srcPitch int) {
	if rows == 0 {
		return
	}
	if f := active.simd.copyRows; f != nil && isSingle[T]() {
		_, _ = dst[(rows-1)*dstPitch+width-1], src[(rows-1)*srcPitch+width-1]
		f(single(dst), single(src), width, rows, 4*dstPitch, 4*srcPitch)
		return
	}
	for i := range rows {
		copy(dst[i*dstPitch:i*dstPitch+width], src[i*srcPitch:i*srcPitch+width])
	}
}

// copyPlane copies the rows and columns that a tap sees.
func copyPlane[T Float](v *convWindow, dst, src []T) {
	pitch := v.pitch()
	for u := max(0, -v.top); u < min(v.rows, v.srcH-v.top); u++ {
		if !v.used[u%v.stepH] {
			continue
		}
		row, from := dst[u*pitch:(u+1)*pitch], src[(v.top+u)*v.srcW:][:v.srcW]
		for r, s := range v.across {
			copyEvery(row[r*v.cols+s.lo:r*v.cols+s.hi], from[s.first:], v.stepW)
		}
	}
}

// stretch is columns [lo, hi) of a copied plane's remainder, and the column of the source that the first of them is.
type stretch struct{ lo, hi, first int }

// stretchOf finds those of a remainder that lie in the source; there are none where no tap sees any.
func (v *convWindow) stretchOf(remainder int) (s stretch) {
	s.first = v.left + remainder
	if s.first < 0 {
		s.lo = ceil(-s.first, v.stepW)
		s.first += s.lo * v.stepW
	}
	if s.hi = min(v.cols, s.lo+ceil(v.srcW-s.first, v.stepW)); s.hi <= s.lo || !v.used[v.stepH+remainder] {
		return stretch{}
	}
	return s
}

// copyEvery sets dst[i] = src[i·step].
func copyEvery[T Float](dst, src []T, step int) {
	if step == 2 { // a constant step is faster
		for i := range dst {
			dst[i] = src[2*i]
		}
		return
	}
	for i := range dst {
		dst[i] = src[i*step]
	}
}

// chunk is a piece of a packed row: a contiguous run of places. The offsets are in bytes
// for the assembly; it copies a whole vector.
type chunk struct {
	src, dst int
	len      int // elements
}

// run is a contiguous run of places in the columns of a panel.
type run struct {
	image, i, j int // of the first
	col, len    int
}

// runs cuts count places, the first being the from-th of the images, into runs: rows of
// the grid or parts of them.
func (v *convWindow) runs(list []run, from, count int) []run {
	list = list[:0]
	places := v.gridH * v.gridW
	for col := 0; col < count; {
		q := from + col
		r := run{image: q / places, i: q % places / v.gridW, j: q % v.gridW, col: col}
		r.len = min(v.gridW-r.j, count-col)
		list = append(list, r)
		col += r.len
	}
	return list
}

// chunks turns runs into what gather copies, at most a vector of lanes elements at once.
func (v *convWindow) chunks(list []chunk, runs []run, lanes, size int) []chunk {
	list = list[:0]
	for n := 0; n < len(runs); {
		src, length := runs[n].image*v.image()+v.place(runs[n].i, runs[n].j), runs[n].len
		col := runs[n].col
		for n++; n < len(runs) && runs[n].image*v.image()+v.place(runs[n].i, runs[n].j) == src+length; n++ {
			length += runs[n].len
		}
		for done := 0; done < length; done += lanes {
			list = append(list, chunk{src: (src + done) * size, dst: (col + done) * size, len: min(lanes, length-done)})
		}
	}
	return list
}

// gather fills packed rows of the matrix: row p, pitch elements long, is what the tap at
// offset rows[p] (in bytes) sees at the places of the chunks. dst needs a vector of slack
// behind what is used; where src ends sooner, the last rows are copied by a slower loop.
// Then the offsets must increase.
func gather[T Float](dst, src []T, rows []int, chunks []chunk, pitch int) {
	const slack = 64 // bytes
	size := int(unsafe.Sizeof(T(0)))
	fast := 0
	if f := active.simd.gather; f != nil && size == 4 {
		last := 0
		for _, c := range chunks {
			last = max(last, c.src)
		}
		for fast = len(rows); fast > 0 && rows[fast-1]+last+slack > len(src)*size; {
			fast--
		}
		if fast > 0 {
			_ = dst[len(rows)*pitch+slack/size-1]
			f(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), &rows[0], fast, &chunks[0], len(chunks), pitch*size)
		}
	}
	for p := fast; p < len(rows); p++ {
		for _, c := range chunks {
			copy(dst[p*pitch+c.dst/size:][:c.len], src[(rows[p]+c.src)/size:][:c.len])
		}
	}
}
