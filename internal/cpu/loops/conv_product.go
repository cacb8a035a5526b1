package loops

import (
	"slices"
	"unsafe"
)

// convProduct computes, for each image and group, dst = weights · matrix of the window:
// a convolution forward, or the gradient with respect to its input. The weights are packed
// once; the matrix is packed some columns at a time, straight from the copied planes.
type convProduct[T Float] struct {
	convWindow
	images, groups int
	rows           int // output channels of a group
	src, dst       []T
	dstH, dstW     int    // planes of dst
	place0         [2]int // row and column in dst of the first place
	placeStep      [2]int // and from place to place
	scale, bias    []T    // of output channels, or nil
	relu           bool

	weights  []T
	ready    *Ready[T] // beside the weights, or nil
	backward bool      // weights are those of the forward convolution
	allTaps  int       // backward: taps of the forward convolution
	tapIndex []int     // backward: which of them the window's taps are

	convCut
	micro              *micro[T]
	packed             []T // weights: groups, blocks of k, panels
	own                []T // memory for them
	shared             []T // matrices: groups, sets, blocks of k, panels
	workers            []convWorker[T]
	srcImage, dstImage int // elements of an image
}

// convCut is how the work is cut. It depends on the shape only.
type convCut struct {
	offsets     []int // of the rows of the matrix, in bytes
	blocks      []int // along k: where they begin, and the end
	perSet      int   // images of a piece
	sets        int
	colPieces   int  // pieces along the places of one image
	rowPieces   int  // pieces along the output channels
	rowsPer     int  // rows of such a piece
	colBlock    int  // columns packed at once
	share       bool // the pieces along the output channels share the packed matrix
	plainA      bool // weights are read where they are
	sharedSet   int  // elements of a set's matrix, with slack
	groupSize   int  // packed weights of a group
	groupPanels int  // panels of them
}

// convWorker is the scratch memory of one worker.
type convWorker[T Float] struct {
	args   microArgs[T]
	clean  bool    // zeros stand around the pictures in planes
	planes []T     // copied
	copied [2]int  // the group and the first image that planes are of
	panels []T     // packed
	out    []T     // results that are not contiguous in dst
	runs   [][]run // of each panel
	chunks []chunk
	spans  []span
}

const (
	convBlockK      = 512      // longest block along k
	convPanelMemory = 96 << 10 // elements packed at once
	convColumns     = 256      // columns of a piece, about
	convPieces      = 8        // pieces wanted, to feed many threads
	convShared      = 4 << 20  // most elements of a shared matrix
	convFewColumns  = 256      // for so many, packing the weights does not pay
	convSlack       = 64       // elements behind a buffer that vectors may touch
)

func (c *convProduct[T]) begin(images, groups, rows int, src, dst []T) {
	c.images, c.groups, c.rows = images, groups, rows
	c.src, c.dst = src, dst
	c.ready, c.scale, c.bias, c.relu = nil, nil, nil, false
}

func (c *convProduct[T]) run() {
	c.micro = kernels[T]()
	c.dstImage = c.groups * c.rows * c.dstH * c.dstW
	c.srcImage = c.groups * c.channels * c.srcH * c.srcW
	if len(c.taps) == 0 {
		c.nothing()
		return
	}
	c.plan()
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]convWorker[T], n-len(c.workers))...)
	}
	for i := range c.workers {
		c.workers[i].clean = false
	}
	c.prepareWeights()
	if c.share {
		c.shared = grow(c.shared, c.groups*c.sets*c.sharedSet)
		doAtMost(len(c.workers), c.groups*c.sets, (*convMatrix[T])(c))
	}
	doAtMost(len(c.workers), c.groups*c.sets*c.colPieces*c.rowPieces, c)
	c.src, c.dst, c.scale, c.bias, c.weights, c.packed, c.ready = nil, nil, nil, nil, nil, nil, nil
	for i := range c.workers {
		c.workers[i].args = microArgs[T]{}
	}
}

// prepareWeights packs the weights, unless they are ready or read where they are.
func (c *convProduct[T]) prepareWeights() {
	if c.ready != nil {
		made := c.ready.product.load()
		if made == nil {
			made = c.makeReady()
		}
		if slices.Equal(made.scale, c.scale) {
			c.packed, c.plainA = made.packed, false
			return
		}
	}
	if !c.plainA {
		c.own = grow(c.own, c.groups*c.groupSize)
		c.packWeights(c.own)
	}
}

func (c *convProduct[T]) makeReady() *readyFilter[T] {
	return c.ready.product.make(func() readyFilter[T] {
		c.packWeights(lasting[T](c.groups * c.groupSize))
		return readyFilter[T]{slices.Clone(c.scale), c.packed}
	})
}

func (c *convProduct[T]) packWeights(to []T) {
	c.packed = to
	doAtMost(len(c.workers), c.groups*c.groupPanels, (*convWeights[T])(c))
}

// nothing is the product with no taps: zeros.
func (c *convProduct[T]) nothing() {
	for plane := range c.images * c.groups * c.rows {
		out := c.dst[plane*c.dstH*c.dstW:][:c.dstH*c.dstW]
		for i := range c.gridH {
			row := out[(c.place0[0]+i*c.placeStep[0])*c.dstW:][:c.dstW]
			for j := range c.gridW {
				row[c.place0[1]+j*c.placeStep[1]] = 0
			}
		}
	}
}

func (c *convProduct[T]) plan() {
	size, cols, depth := int(unsafe.Sizeof(T(0))), c.micro.cols(), c.depth()
	c.offsets = c.offsets[:0]
	for ch := range c.channels {
		for t := range c.taps {
			c.offsets = append(c.offsets, c.offset(ch, t)*size)
		}
	}
	blocks := max(1, min(ceil(depth, convBlockK), c.channels))
	c.blocks = c.blocks[:0]
	longest := 0
	for i := range blocks + 1 {
		c.blocks = append(c.blocks, c.channels*i/blocks*len(c.taps))
		if i > 0 {
			longest = max(longest, c.blocks[i]-c.blocks[i-1])
		}
	}
	places := c.gridH * c.gridW
	c.perSet = min(c.images, ceil(convColumns, places))
	c.sets = ceil(c.images, c.perSet)
	pieces := c.groups * c.sets
	c.colPieces, c.rowPieces = 1, 1
	if pieces < convPieces && c.perSet == 1 {
		c.colPieces = min(ceil(convPieces, pieces), ceil(places, 2*cols))
	}
	pieces *= c.colPieces
	if tall := 2 * c.micro.rows; pieces < convPieces && c.rows > tall {
		c.rowPieces = min(ceil(convPieces, pieces), ceil(c.rows, tall))
	}
	c.rowsPer = ceil(ceil(c.rows, c.rowPieces), c.micro.rows) * c.micro.rows
	c.rowPieces = ceil(c.rows, c.rowsPer)

	c.groupPanels = ceil(c.rows, c.micro.rows)
	c.groupSize = c.groupPanels * c.micro.pitch() * depth
	c.plainA = !c.backward && c.scale == nil && c.images*places <= convFewColumns
	c.sharedSet = ceil(c.perSet*places, cols)*cols*depth + convSlack
	c.share = c.rowPieces > 1 && c.colPieces == 1 && c.groups*c.sets*c.sharedSet <= convShared
	c.colBlock = max(2*cols, min(convColumns, convPanelMemory/longest)/cols*cols)
	if c.share {
		c.colBlock = c.perSet * places
	}
}

// convPart says which results a piece computes.
type convPart struct{ group, image, row0, row1 int }

// Piece computes some rows of some columns of some images of a group.
func (c *convProduct[T]) Piece(piece, worker int) {
	w := &c.workers[worker]
	rowPiece := piece % c.rowPieces
	piece /= c.rowPieces
	colPiece := piece % c.colPieces
	piece /= c.colPieces
	group, set := piece%c.groups, piece/c.groups
	image := set * c.perSet
	images := min(c.perSet, c.images-image)
	part := convPart{group: group, image: image, row0: rowPiece * c.rowsPer, row1: min((rowPiece+1)*c.rowsPer, c.rows)}

	columns := images * c.gridH * c.gridW
	if c.share {
		c.runsOf(w, 0, columns)
		c.columns(w, part, columns, func(b int) []T { return c.sharedBlock(group, set, b) })
		return
	}
	planes := c.copied(w, group, image, images)
	cols := c.micro.cols()
	from, to := columns*colPiece/c.colPieces, columns*(colPiece+1)/c.colPieces
	from = from / cols * cols // whole panels
	if to < columns {
		to = to / cols * cols
	}
	for at := from; at < to; at += c.colBlock {
		count := min(c.colBlock, to-at)
		c.runsOf(w, at, count)
		c.columns(w, part, count, func(b int) []T {
			w.panels = grow(w.panels, ceil(count, cols)*cols*(c.blocks[b+1]-c.blocks[b])+convSlack)
			c.pack(w, w.panels, planes, b, count)
			return w.panels
		})
	}
}

// copied returns the planes of a group of some images in the window's form.
func (c *convProduct[T]) copied(w *convWorker[T], group, image, images int) []T {
	if c.direct {
		return c.src[image*c.srcImage:]
	}
	if !w.clean {
		w.planes = grow(w.planes, c.perSet*c.convWindow.image()+convSlack)
		clear(w.planes)
		w.clean = true
	} else if w.copied == [2]int{group, image} { // for the piece before
		return w.planes
	}
	w.copied = [2]int{group, image}
	for i := range images {
		src := c.src[(image+i)*c.srcImage+group*c.channels*c.srcH*c.srcW:]
		copyPlanes(&c.convWindow, w.planes[i*c.convWindow.image():], src, c.channels)
	}
	return w.planes
}

// runsOf finds the runs of the panels of some columns.
func (c *convProduct[T]) runsOf(w *convWorker[T], from, count int) {
	cols := c.micro.cols()
	panels := ceil(count, cols)
	if len(w.runs) < panels {
		w.runs = append(w.runs, make([][]run, panels-len(w.runs))...)
	}
	for p := range panels {
		w.runs[p] = c.runs(w.runs[p], from+p*cols, min(cols, count-p*cols))
	}
}

// pack packs block b along k of the columns whose runs are known.
func (c *convProduct[T]) pack(w *convWorker[T], dst, planes []T, b, count int) {
	size, cols := int(unsafe.Sizeof(T(0))), c.micro.cols()
	k0, k1 := c.blocks[b], c.blocks[b+1]
	for p := range ceil(count, cols) {
		w.chunks = c.chunks(w.chunks, w.runs[p], c.micro.lanes, size)
		gather(dst[p*cols*(k1-k0):], planes, c.offsets[k0:k1], w.chunks, cols)
	}
}

// sharedBlock is block b along k of a set's packed matrix.
func (c *convProduct[T]) sharedBlock(group, set, b int) []T {
	cols := c.micro.cols()
	return c.shared[(set*c.groups+group)*c.sharedSet+ceil(c.perSet*c.gridH*c.gridW, cols)*cols*c.blocks[b]:]
}

// columns computes the columns whose runs are known: where they are contiguous in dst
// right there, else in a buffer that is then scattered.
func (c *convProduct[T]) columns(w *convWorker[T], part convPart, count int, matrix func(b int) []T) {
	size, cols := int(unsafe.Sizeof(T(0))), c.micro.cols()
	plane := c.dstH * c.dstW
	first, channel := w.runs[0][0], part.group*c.rows+part.row0
	contiguous := c.placeStep == [2]int{1, 1} && c.perSet == 1
	var out []T
	if contiguous {
		out = c.dst[(part.image*c.groups*c.rows+channel)*plane+first.i*c.dstW+first.j:]
		w.args.cRow = plane * size
	} else {
		width := ceil(count, cols) * cols
		w.out = grow(w.out, (part.row1-part.row0)*width)
		out, w.args.cRow = w.out, width*size
	}
	for b := range len(c.blocks) - 1 {
		c.multiply(w, part, b, matrix(b), out, count)
	}
	if !contiguous {
		c.scatter(w, part, ceil(count, cols))
	}
}

// multiply computes or adds block b along k of a part.
func (c *convProduct[T]) multiply(w *convWorker[T], part convPart, b int, panels, out []T, count int) {
	size, rows, cols, pitch := int(unsafe.Sizeof(T(0))), c.micro.rows, c.micro.cols(), c.micro.pitch()
	k0, kc := c.blocks[b], c.blocks[b+1]-c.blocks[b]
	args := &w.args
	args.k, args.bStep = kc, cols*size
	args.flags = c.epilogue(b)
	for row := part.row0; row < part.row1; row += rows {
		channel := part.group*c.rows + row
		if c.bias != nil {
			args.bias = unsafe.Pointer(&c.bias[channel])
		}
		if c.plainA {
			args.a = unsafe.Pointer(&c.weights[channel*c.depth()+k0])
			args.aRow, args.aStep = c.depth()*size, size
		} else {
			args.a = unsafe.Pointer(&c.packed[part.group*c.groupSize+c.groupPanels*pitch*k0+row/rows*pitch*kc])
			args.aRow, args.aStep = size, pitch*size
		}
		for p := 0; p < count; p += cols {
			args.b = unsafe.Pointer(&panels[p*kc])
			args.c = unsafe.Pointer(&out[(row-part.row0)*(args.cRow/size)+p])
			c.micro.run(args, min(rows, part.row1-row), min(cols, count-p))
		}
	}
}

func (c *convProduct[T]) epilogue(b int) (flags int) {
	if b > 0 {
		flags |= flagAdd
	}
	if b == len(c.blocks)-2 {
		if c.bias != nil {
			flags |= flagBiasRow
		}
		if c.relu {
			flags |= flagRelu
		}
	}
	return flags
}
