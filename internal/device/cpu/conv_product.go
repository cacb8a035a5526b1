package cpu

import "unsafe"

// convProduct computes, for each image and group, dst = weights · matrix of the window:
// a convolution forward, or the gradient with respect to its input. Weights are packed
// once; the matrix is packed a panel at a time, straight from the copied planes.
type convProduct[T Float] struct {
	window
	images, groups int
	rows           int // output channels of a group
	src, dst       []T
	dstH, dstW     int    // planes of dst
	place0         [2]int // row and column in dst of the first place
	placeStep      [2]int // and from place to place
	bias           []T    // of output channels, or nil
	relu           bool

	weights  []T
	backward bool  // weights are those of the forward convolution
	allTaps  int   // backward: taps of the forward convolution
	tapIndex []int // backward: which of them the window's taps are

	micro      *micro[T]
	packed     []T   // weights: groups, blocks of k, panels
	offsets    []int // of the rows of the matrix, in bytes
	blocks     []int // along k: where they begin, and the end
	colBlock   int   // columns packed at once
	perPiece   int   // images of a piece
	colPieces  int   // pieces along the places of one image
	rowPieces  int   // pieces along the output channels
	rowsPer    int   // rows of such a piece
	workers    []convWorker[T]
	dstImage   int // elements of an image in dst
	srcImage   int // and in src
	groupSize  int // packed weights of a group
	packPieces int // panels of a group
}

// convWorker is the scratch memory of one worker.
type convWorker[T Float] struct {
	args   microArgs[T]
	planes []T     // copied
	panels []T     // packed
	tile   []T     // of results that are not contiguous in dst
	runs   [][]run // of each panel
	chunks []chunk
}

func (c *convProduct[T]) begin(images, groups, rows int, src, dst []T) {
	c.images, c.groups, c.rows = images, groups, rows
	c.src, c.dst = src, dst
	c.bias, c.relu = nil, false
}

const (
	convBlockK      = 512      // longest block along k
	convPanelMemory = 96 << 10 // elements of packed panels at once
	convColumns     = 256      // columns of a piece, about
	convPieces      = 8        // pieces wanted, to feed many threads
)

func (c *convProduct[T]) run() {
	c.micro = kernels[T]()
	c.dstImage = c.groups * c.rows * c.dstH * c.dstW
	c.srcImage = c.groups * c.channels * c.srcH * c.srcW
	if len(c.taps) == 0 {
		c.nothing()
		return
	}
	c.plan()
	c.packPieces = ceil(c.rows, c.micro.rows)
	c.groupSize = c.packPieces * c.micro.pitch() * c.depth()
	c.packed = grow(c.packed, c.groups*c.groupSize)
	Do(c.groups*c.packPieces, (*convWeights[T])(c))
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]convWorker[T], n-len(c.workers))...)
	}
	Do(c.groups*ceil(c.images, c.perPiece)*c.colPieces*c.rowPieces, c)
	c.src, c.dst, c.bias, c.weights = nil, nil, nil, nil
	for i := range c.workers {
		c.workers[i].args = microArgs[T]{}
	}
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

// plan cuts the work. The cut depends on the shape only.
func (c *convProduct[T]) plan() {
	size := int(unsafe.Sizeof(T(0)))
	c.offsets = c.offsets[:0]
	for ch := range c.channels {
		for t := range c.taps {
			c.offsets = append(c.offsets, c.offset(ch, t)*size)
		}
	}
	blocks := max(1, min(ceil(c.depth(), convBlockK), c.channels))
	c.blocks = c.blocks[:0]
	longest := 0
	for i := range blocks + 1 {
		c.blocks = append(c.blocks, c.channels*i/blocks*len(c.taps))
		if i > 0 {
			longest = max(longest, c.blocks[i]-c.blocks[i-1])
		}
	}
	cols := c.micro.cols()
	c.colBlock = max(2*cols, min(convColumns, convPanelMemory/longest)/cols*cols)

	places := c.gridH * c.gridW
	c.perPiece = min(c.images, ceil(convColumns, places))
	pieces := c.groups * ceil(c.images, c.perPiece)
	c.colPieces, c.rowPieces = 1, 1
	if pieces < convPieces && c.perPiece == 1 {
		c.colPieces = min(ceil(convPieces, pieces), ceil(places, 2*cols))
	}
	pieces *= c.colPieces
	if tall := 4 * c.micro.rows; pieces < convPieces && c.rows > tall {
		c.rowPieces = min(ceil(convPieces, pieces), ceil(c.rows, tall))
	}
	c.rowsPer = ceil(ceil(c.rows, c.rowPieces), c.micro.rows) * c.micro.rows
	c.rowPieces = ceil(c.rows, c.rowsPer)
}

// convWeights packs the weights, a panel of rows a piece.
type convWeights[T Float] convProduct[T]

func (c *convWeights[T]) Piece(piece, _ int) {
	group, panel := piece/c.packPieces, piece%c.packPieces
	pitch, depth := c.micro.pitch(), c.channels*len(c.taps)
	for b := range len(c.blocks) - 1 {
		k0, kc := c.blocks[b], c.blocks[b+1]-c.blocks[b]
		block := c.packed[group*c.groupSize+c.packPieces*pitch*k0:]
		if c.backward {
			c.packBackward(block[panel*pitch*kc:][:pitch*kc], group, panel*c.micro.rows, k0, kc)
			continue
		}
		packPanel(block, c.micro.rows, pitch, panel, c.weights[group*c.rows*depth:], depth, c.rows, k0, kc, true)
	}
}

// packBackward packs rows of the transposed weights: row ch, element (oc, tap) is
// w[oc][ch][tap].
func (c *convWeights[T]) packBackward(dst []T, group, row0, k0, kc int) {
	width, pitch, taps := min(c.micro.rows, c.rows-row0), c.micro.pitch(), len(c.taps)
	first := group*c.channels + k0/taps // forward output channel
	row := func(oc int) []T { return c.weights[(oc*c.rows+row0)*c.allTaps:] }
	if c.allTaps == 1 {
		packRows(dst, pitch, row(first), c.rows, width, kc)
		return
	}
	for n := range kc / taps {
		w, out := row(first+n), dst[n*taps*pitch:(n+1)*taps*pitch]
		if taps == c.allTaps {
			packColumns(out, pitch, w, taps, width, taps)
			continue
		}
		for t, index := range c.tapIndex {
			for i := range width {
				out[t*pitch+i] = w[i*c.allTaps+index]
			}
		}
	}
}

// Piece computes some rows of some columns of some images of a group.
func (c *convProduct[T]) Piece(piece, worker int) {
	w := &c.workers[worker]
	rowPiece := piece % c.rowPieces
	piece /= c.rowPieces
	colPiece := piece % c.colPieces
	piece /= c.colPieces
	group, set := piece%c.groups, piece/c.groups
	image := set * c.perPiece
	images := min(c.perPiece, c.images-image)

	planes := c.copied(w, group, image, images)
	columns := images * c.gridH * c.gridW
	from, to := columns*colPiece/c.colPieces, columns*(colPiece+1)/c.colPieces
	if c.colPieces > 1 { // whole panels
		cols := c.micro.cols()
		from = from / cols * cols
		if to < columns {
			to = to / cols * cols
		}
	}
	part := convPart{group: group, image: image, row0: rowPiece * c.rowsPer, row1: min((rowPiece+1)*c.rowsPer, c.rows)}
	for at := from; at < to; at += c.colBlock {
		c.columns(w, planes, part, at, min(c.colBlock, to-at))
	}
}

// convPart says which results a piece computes.
type convPart struct{ group, image, row0, row1 int }

// copied returns the planes of a group of some images in the window's form.
func (c *convProduct[T]) copied(w *convWorker[T], group, image, images int) []T {
	if c.direct {
		return c.src[image*c.srcImage:]
	}
	const slack = 64
	w.planes = grow(w.planes, images*c.window.image()+slack)
	for i := range images {
		src := c.src[(image+i)*c.srcImage+group*c.channels*c.srcH*c.srcW:]
		copyPlanes(&c.window, w.planes[i*c.window.image():], src, c.channels)
	}
	return w.planes
}

// columns computes count columns of a part: packs them, a block along k at a time, and
// multiplies.
func (c *convProduct[T]) columns(w *convWorker[T], planes []T, part convPart, from, count int) {
	cols, size := c.micro.cols(), int(unsafe.Sizeof(T(0)))
	panels := ceil(count, cols)
	if len(w.runs) < panels {
		w.runs = append(w.runs, make([][]run, panels-len(w.runs))...)
	}
	for p := range panels {
		w.runs[p] = c.runs(w.runs[p], from+p*cols, min(cols, count-p*cols))
	}
	for b := range len(c.blocks) - 1 {
		k0, kc := c.blocks[b], c.blocks[b+1]-c.blocks[b]
		const slack = 64
		w.panels = grow(w.panels, panels*cols*kc+cols+slack)
		for p := range panels {
			w.chunks = c.chunks(w.chunks, w.runs[p], c.micro.lanes, size)
			gather(w.panels[p*cols*kc:], planes, c.offsets[k0:k0+kc], w.chunks, cols)
		}
		c.multiply(w, part, k0, kc, panels)
	}
}

// multiply computes the tiles of a part for the packed panels, over one block along k.
func (c *convProduct[T]) multiply(w *convWorker[T], part convPart, k0, kc, panels int) {
	size, rows, cols, pitch := int(unsafe.Sizeof(T(0))), c.micro.rows, c.micro.cols(), c.micro.pitch()
	block := c.packed[part.group*c.groupSize+c.packPieces*pitch*k0:]
	args := &w.args
	args.k, args.aRow, args.aStep, args.bStep = kc, size, pitch*size, cols*size
	args.flags = 0
	if k0 > 0 {
		args.flags |= flagAdd
	}
	if k0+kc == c.depth() {
		if c.bias != nil {
			args.flags |= flagBiasRow
		}
		if c.relu {
			args.flags |= flagRelu
		}
	}
	for row := part.row0; row < part.row1; row += rows {
		channel := part.group*c.rows + row
		if c.bias != nil {
			args.bias = unsafe.Pointer(&c.bias[channel])
		}
		height := min(rows, part.row1-row)
		a := unsafe.Pointer(&block[row/rows*pitch*kc])
		for p := range panels {
			args.a, args.b = a, unsafe.Pointer(&w.panels[p*cols*kc])
			c.tile(w, w.runs[p], part.image, channel, height)
		}
	}
}

// tile computes one tile, in dst if the places are contiguous there, else beside it.
func (c *convProduct[T]) tile(w *convWorker[T], runs []run, image, channel, height int) {
	size, cols, args := int(unsafe.Sizeof(T(0))), c.micro.cols(), &w.args
	plane := c.dstH * c.dstW
	first, last := runs[0], runs[len(runs)-1]
	width := last.col + last.len
	dst := c.dst[channel*plane:]
	if c.placeStep == [2]int{1, 1} && first.image == last.image {
		args.c = unsafe.Pointer(&dst[(image+first.image)*c.dstImage+first.i*c.dstW+first.j])
		args.cRow = plane * size
		c.micro.run(args, height, width)
		return
	}
	w.tile = grow(w.tile, c.micro.rows*cols)
	args.c, args.cRow = unsafe.Pointer(&w.tile[0]), cols*size
	if args.flags&flagAdd != 0 {
		for _, r := range runs {
			at, step := c.target(image, r)
			for i := range height {
				tile, from := w.tile[i*cols+r.col:][:r.len], dst[i*plane+at:]
				for j := range tile {
					tile[j] = from[j*step]
				}
			}
		}
	}
	c.micro.run(args, height, width)
	for _, r := range runs {
		at, step := c.target(image, r)
		for i := range height {
			tile, to := w.tile[i*cols+r.col:][:r.len], dst[i*plane+at:]
			for j, v := range tile {
				to[j*step] = v
			}
		}
	}
}

// target is where a run begins in a channel of dst, and its step.
func (c *convProduct[T]) target(image int, r run) (at, step int) {
	h, w := c.place0[0]+r.i*c.placeStep[0], c.place0[1]+r.j*c.placeStep[1]
	return (image+r.image)*c.dstImage + h*c.dstW + w, c.placeStep[1]
}
