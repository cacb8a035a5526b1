package loops

import (
	"unsafe"

	"medusa/internal/spec"
)

// convWeight computes the gradient with respect to the weights: for each group
//
//	dwᵀ (channels·taps × OutC) = Σ over images of matrix of the window · dyᵀ
//
// Rows of the window's matrix are read where they are, in the copied planes; dy is
// transposed into panels. Sets of images have their own sums, added in order at the end.
type convWeight[T Float] struct {
	convWindow
	images, groups, cols int // cols: output channels of a group
	src, dy, dw, dbias   []T

	micro      *micro[T]
	offsets    []int // of the matrix's rows of all channels of a piece, in bytes
	sets       int   // of images
	parts      int   // of channels
	partSize   int   // channels
	sums       []T   // sets, groups, channels·taps, cols
	workers    []weightWorker[T]
	srcImage   int
	chunkImage int // images copied at once
	share      bool
	shared     []T       // dy in panels for all parts, chunk by chunk
	biases     []float64 // sums of dy: sets, groups, cols
}

type weightWorker[T Float] struct {
	args     microArgs[T]
	clean    bool // zeros stand around the pictures in planes
	planes   []T
	panels   []T
	segments []int
}

const (
	weightRows   = 288     // rows of a piece, about
	weightPieces = 16      // pieces wanted, to feed many threads
	weightDepth  = 512     // places summed at once, about
	weightShared = 2 << 20 // most elements of dy that are transposed once for all parts
)

// ConvGradWeight computes the gradients with respect to w and, unless dbias is nil, to
// the bias from dy, the gradient with respect to y. dw and dbias are overwritten.
func ConvGradWeight[T Float](p *spec.Conv2D, x, dy, dw, dbias []T, ws *Workspace[T]) {
	q := p.WithDefaults()
	checkConvLengths("ConvGradWeight", &q, x, dw, dy)
	if dbias != nil {
		mustHold("ConvGradWeight", "bias", dbias, q.OutC)
	}
	if dbias != nil {
		dbias = dbias[:q.OutC]
	}
	if q.Depthwise() {
		ws.depth.gradWeight(&q, x, dy, dw, dbias)
		return
	}
	c := &ws.weight
	if worthWinograd[T](&q, q.C, q.OutC, q.OutH(), q.OutW()) {
		ws.tiles.gradWeight(&q, singles(x), singles(dy), singles(dw), singles(dbias))
		return
	}
	if ws.places.worthPlaces(&q, isSingle[T]()) {
		ws.places.gradWeight(&q, singles(x), singles(dy), singles(dw), singles(dbias))
		return
	}
	c.images, c.groups, c.cols = q.N, q.Groups, q.OutC/q.Groups
	c.src, c.dy, c.dw, c.dbias = x, dy, dw, dbias
	c.convWindow.forward(&q, q.Groups)
	c.direct = false // all channels of a set of images are copied anyhow
	c.run()
	c.src, c.dy, c.dw, c.dbias = nil, nil, nil, nil
	for i := range c.workers {
		c.workers[i].args = microArgs[T]{}
	}
}

func (c *convWeight[T]) run() {
	c.micro = kernels[T]()
	c.plan()
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]weightWorker[T], n-len(c.workers))...)
	}
	for i := range c.workers {
		c.workers[i].clean = false
	}
	c.sums = grow(c.sums, c.sets*c.groups*c.depth()*c.cols)
	c.biases = grow(c.biases, c.sets*c.groups*c.cols)
	clear(c.biases)
	if c.share {
		c.shared = grow(c.shared, c.sharedAt(c.groups, 0, 0))
		doAtMost(len(c.workers), c.sets*c.groups, (*weightPanels[T])(c))
	}
	doAtMost(len(c.workers), c.sets*c.groups*c.parts, c)
	doAtMost(len(c.workers), c.groups*ceil(c.depth(), weightRows), (*weightSum[T])(c))
	for i := range c.dbias[:min(len(c.dbias), c.groups*c.cols)] {
		var sum float64
		for set := range c.sets {
			sum += c.biases[set*c.groups*c.cols+i]
		}
		c.dbias[i] = T(sum)
	}
}

func (c *convWeight[T]) plan() {
	c.srcImage = c.groups * c.channels * c.srcH * c.srcW
	c.partSize = min(c.channels, ceil(weightRows, len(c.taps)))
	c.parts = ceil(c.channels, c.partSize)
	c.sets = max(1, min(c.images, ceil(weightPieces, c.parts*c.groups)))
	c.chunkImage = ceil(weightDepth/2, c.gridH*c.gridW)
	c.share = c.parts > 1 && c.sharedAt(c.groups, 0, 0) <= weightShared
	size := int(unsafe.Sizeof(T(0)))
	c.offsets = c.offsets[:0]
	for ch := range c.partSize {
		for t := range c.taps {
			c.offsets = append(c.offsets, c.offset(ch, t)*size)
		}
	}
}

// Piece sums over a set of images for some channels of a group.
func (c *convWeight[T]) Piece(piece, worker int) {
	w := &c.workers[worker]
	part := piece % c.parts
	piece /= c.parts
	group, set := piece%c.groups, piece/c.groups
	channel := part * c.partSize
	channels := min(c.partSize, c.channels-channel)
	out := c.sums[((set*c.groups+group)*c.depth()+channel*len(c.taps))*c.cols:]
	first := true
	c.chunks(set, func(image, images, line, n int) {
		if line == 0 {
			c.copyImages(w, group, channel, channels, image, images)
		}
		var panels []T
		if c.share {
			panels = c.shared[c.sharedAt(group, image, line):]
		} else {
			w.panels = grow(w.panels, ceil(c.cols, c.micro.cols())*c.micro.cols()*n*c.gridW)
			panels = w.panels
			c.packLines(panels, group, image, line, n)
			if part == 0 {
				c.sumLines(set, group, image, line, n)
			}
		}
		c.segmentsOf(w, line, n, channels)
		c.multiply(w, panels, out, channels*len(c.taps), n, first)
		first = false
	})
}

// chunks visits a set of images a few rows of places at a time: n of them from line on,
// counted through so many images.
func (c *convWeight[T]) chunks(set int, visit func(image, images, line, n int)) {
	from, to := c.images*set/c.sets, c.images*(set+1)/c.sets
	step := max(1, weightDepth/c.gridW)
	for image := from; image < to; image += c.chunkImage {
		images := min(c.chunkImage, to-image)
		for line := 0; line < images*c.gridH; line += step {
			visit(image, images, line, min(step, images*c.gridH-line))
		}
	}
}

// sharedAt is where a chunk begins in the shared panels of a group.
func (c *convWeight[T]) sharedAt(group, image, line int) int {
	lines := (group*c.images+image)*c.gridH + line
	return lines * c.gridW * ceil(c.cols, c.micro.cols()) * c.micro.cols()
}

// weightPanels transposes dy for all parts, a set of images of a group a piece.
type weightPanels[T Float] convWeight[T]

func (c *weightPanels[T]) Piece(piece, _ int) {
	w, group := (*convWeight[T])(c), piece%c.groups
	w.chunks(piece/c.groups, func(image, _, line, n int) {
		w.packLines(c.shared[w.sharedAt(group, image, line):], group, image, line, n)
		w.sumLines(piece/c.groups, group, image, line, n)
	})
}

func (c *convWeight[T]) copyImages(w *weightWorker[T], group, channel, channels, image, images int) {
	if !w.clean {
		w.planes = grow(w.planes, c.chunkImage*c.partSize*c.plane())
		clear(w.planes)
		w.clean = true
	}
	for i := range images {
		src := c.src[(image+i)*c.srcImage+(group*c.channels+channel)*c.srcH*c.srcW:]
		copyPlanes(&c.convWindow, w.planes[i*channels*c.plane():], src, channels)
	}
}

// segmentsOf notes where the places of some rows begin in the copied planes.
func (c *convWeight[T]) segmentsOf(w *weightWorker[T], line, n, channels int) {
	size := int(unsafe.Sizeof(T(0)))
	w.segments = w.segments[:0]
	for i := line; i < line+n; i++ {
		w.segments = append(w.segments, (i/c.gridH*channels*c.plane()+c.place(i%c.gridH, 0))*size)
	}
}

// packLines transposes dy at some rows of places, counted through the images from image
// on, into panels.
func (c *convWeight[T]) packLines(out []T, group, image, line, n int) {
	cols, depth := c.micro.cols(), n*c.gridW
	panels := ceil(c.cols, cols)
	places := c.gridH * c.gridW
	for done := 0; done < n; { // the lines of one image at a time
		i, row := (line+done)/c.gridH, (line+done)%c.gridH
		lines := min(n-done, c.gridH-row)
		dy := c.dy[((image+i)*c.groups+group)*c.cols*places+row*c.gridW:]
		for p := range panels {
			packColumns(out[(p*depth+done*c.gridW)*cols:], cols, dy[p*cols*places:], places,
				min(cols, c.cols-p*cols), lines*c.gridW)
		}
		done += lines
	}
}

// sumLines adds dy at some rows of places, just packed, up for the gradient to the bias.
func (c *convWeight[T]) sumLines(set, group, image, line, n int) {
	if c.dbias == nil {
		return
	}
	places := c.gridH * c.gridW
	for done := 0; done < n; { // the lines of one image at a time
		i, row := (line+done)/c.gridH, (line+done)%c.gridH
		lines := min(n-done, c.gridH-row)
		for ch := range c.cols {
			at := (((image+i)*c.groups+group)*c.cols+ch)*places + row*c.gridW
			c.biases[(set*c.groups+group)*c.cols+ch] += Sum(c.dy[at : at+lines*c.gridW])
		}
		done += lines
	}
}

// multiply adds the packed lines' part to the sums.
func (c *convWeight[T]) multiply(w *weightWorker[T], panels, out []T, rows, lines int, first bool) {
	size, cols, args := int(unsafe.Sizeof(T(0))), c.micro.cols(), &w.args
	args.a = unsafe.Pointer(&w.planes[0])
	args.segments = unsafe.Pointer(&w.segments[0])
	args.segLen, args.cRow = c.gridW, c.cols*size
	args.flags = flagAdd
	if first {
		args.flags = 0
	}
	for row := 0; row < rows; row += c.micro.rows {
		args.aRows = unsafe.Pointer(&c.offsets[row])
		for col := 0; col < c.cols; col += cols {
			args.b = unsafe.Pointer(&panels[col*lines*c.gridW])
			args.c = unsafe.Pointer(&out[row*c.cols+col])
			args.segCount = lines
			c.micro.runIndirect(args, min(c.micro.rows, rows-row), min(cols, c.cols-col))
		}
	}
}

// weightSum adds the sets' sums, in order, and transposes the result into dw.
type weightSum[T Float] convWeight[T]

func (c *weightSum[T]) Piece(piece, _ int) {
	depth := c.channels * len(c.taps)
	perGroup := ceil(depth, weightRows)
	group, row := piece/perGroup, piece%perGroup*weightRows
	rows := min(weightRows, depth-row)
	sum := c.sums[(group*depth+row)*c.cols:][:rows*c.cols]
	for set := 1; set < c.sets; set++ {
		other := c.sums[((set*c.groups+group)*depth+row)*c.cols:]
		for i := range sum {
			sum[i] += other[i]
		}
	}
	dw := c.dw[group*c.cols*depth+row:]
	whole := rows &^ 3 // packColumns may write behind other numbers of columns
	packColumns(dw, depth, sum, c.cols, whole, c.cols)
	for i := whole; i < rows; i++ {
		for j, v := range sum[i*c.cols : (i+1)*c.cols] {
			dw[j*depth+i] = v
		}
	}
}
