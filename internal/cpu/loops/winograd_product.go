package loops

import (
	"math"
	"unsafe"

	"medusa/internal/spec"
)

// tileProduct is the convolution itself and its gradient with respect to the input.
type tileProduct struct {
	images, channels, rows int // input and output channels
	srcH, srcW, dstH, dstW int
	tilesH, tilesW         int
	src, dst, bias, scale  []float32
	floor                  float32

	weights  []float32
	ready    *Ready[float32] // beside the weights, or nil
	backward bool            // weights are those of the forward convolution

	micro        *micro[float32]
	perSet, sets int   // images of a piece, pieces
	parts        int   // of output channels, each of whole panels
	inTable      []int // of a picture's pixels for each tile
	outTable     []int
	pitch        int       // of pixels
	matrix       int       // distance of the matrices of transformed inputs
	products     int       // and of products
	panels       int       // of output channels
	windows      []float32 // packed windows that are ready, by panels; or nil
	windowPanel  int       // distance of their panels
	packed       []float32 // transformed windows, by panels; or nil
	own          []float32 // memory for them
	packedMatrix int       // distance of the matrices of a panel
	packedPanel  int       // and of panels
	elements     []float32 // transformed inputs of the only set
	inputGroups  int       // pieces that an image's inputs are made in
	workers      []tileWorker
}

const (
	tileSetMemory = 160 << 10 // transformed numbers of a piece, about
	tileSetLeast  = 24        // tiles of a piece
	tilePieces    = 8         // pieces wanted
	tileGroup     = 32        // channels of a piece of inputs, whole vectors
)

func (c *winogradConv) forward(p *spec.Conv2D, x, w, scale, bias, y []float32, relu bool, ready *Ready[float32]) {
	t := &c.product
	t.ready, t.src, t.weights, t.scale, t.bias, t.dst, t.backward = ready, x, w, scale, bias, y, false
	t.floor = float32(math.Inf(-1))
	if relu {
		t.floor = 0
	}
	t.channels, t.srcH, t.srcW, t.rows, t.dstH, t.dstW = p.C, p.H, p.W, p.OutC, p.OutH(), p.OutW()
	t.run(p.N, -p.PadH, -p.PadW)
}

func (c *winogradConv) backward(p *spec.Conv2D, dy, w, dx []float32) {
	t := &c.product
	t.ready, t.src, t.weights, t.scale, t.bias, t.dst, t.backward = nil, dy, w, nil, nil, dx, true
	t.floor = float32(math.Inf(-1))
	t.channels, t.srcH, t.srcW, t.rows, t.dstH, t.dstW = p.OutC, p.OutH(), p.OutW(), p.C, p.H, p.W
	t.run(p.N, p.PadH-2, p.PadW-2)
}

// run computes all; the first window begins at (top, left) in the source.
func (c *tileProduct) run(images, top, left int) {
	c.images = images
	c.plan(top, left)
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]tileWorker, n-len(c.workers))...)
	}
	c.prepareWindows()
	if c.sets == 1 {
		c.elements = grow(c.elements, tileMatrices*c.matrix)
		doAtMost(len(c.workers), c.images*c.inputGroups, (*tileInputs)(c))
		doAtMost(len(c.workers), c.panels, (*tilePanels)(c))
	} else {
		doAtMost(len(c.workers), c.sets*c.parts, c)
	}
	c.packed, c.windows, c.ready = nil, nil, nil
	c.src, c.dst, c.scale, c.bias, c.weights = nil, nil, nil, nil, nil
	for i := range c.workers {
		c.workers[i].forget()
	}
}

func (c *tileProduct) plan(top, left int) {
	c.micro = kernels[float32]()
	cols := c.micro.cols()
	c.tilesH, c.tilesW = ceil(c.dstH, tileSide), ceil(c.dstW, tileSide)
	c.pitch = oddLines(c.channels)
	c.inTable = tableOfTiles(c.inTable, tileSide+2, top, left, c.tilesH, c.tilesW, c.srcH, c.srcW, c.pitch)
	c.outTable = tableOfTiles(c.outTable, tileSide, 0, 0, c.tilesH, c.tilesW, c.dstH, c.dstW, cols)
	tiles := c.tilesH * c.tilesW
	c.perSet = min(c.images, tileSet(tiles, c.micro.rows, max(tileSetLeast, tileSetMemory/(tileMatrices*(c.pitch+cols)))))
	c.sets = ceil(c.images, c.perSet)
	c.panels = ceil(c.rows, cols)
	c.parts = min(c.panels, ceil(tilePieces, c.sets))
	c.matrix = oddLines(c.perSet * tiles * c.pitch)
	c.products = oddLines(c.perSet * tiles * cols)
	c.windowPanel = c.channels * windowTaps * cols
	c.packedMatrix = oddLines(c.channels * cols)
	c.packedPanel = tileMatrices * c.packedMatrix
	c.inputGroups = ceil(c.channels, tileGroup)
}

// tileSet is the number of images, with so many tiles each, that have about want tiles
// and, if that can be, fill blocks of rows.
func tileSet(tiles, rows, want int) int {
	step := 1
	for step*tiles%rows != 0 {
		step++
	}
	if n := (want / tiles) / step * step; n > 0 {
		return n
	}
	if step*tiles <= 2*want {
		return step
	}
	return ceil(want, tiles)
}

// tilePanels computes a panel of output channels a piece, of the only set.
type tilePanels tileProduct

func (c *tilePanels) Piece(panel, worker int) {
	w, p := &c.workers[worker], (*tileProduct)(c)
	w.products = grow(w.products, tileMatrices*c.products)
	switch {
	case c.packed != nil:
		p.multiplyAll(w, panel, c.images, c.elements)
	case c.images*c.tilesH*c.tilesW == 1:
		p.multiplyWindows(w, panel)
	default:
		p.multiplyParts(w, panel)
	}
	p.outputs(w, panel, 0, c.images)
}

// tileInputs transforms the inputs of the only set, some channels of an image a piece.
type tileInputs tileProduct

func (c *tileInputs) Piece(piece, worker int) {
	first := piece % c.inputGroups * tileGroup
	(*tileProduct)(c).inputs(&c.workers[worker], c.elements, piece/c.inputGroups, piece/c.inputGroups, first, min(tileGroup, c.channels-first))
}

// Piece computes some panels of output channels of a set of images.
func (c *tileProduct) Piece(piece, worker int) {
	w, part, set := &c.workers[worker], piece%c.parts, piece/c.parts
	image := set * c.perSet
	images := min(c.perSet, c.images-image)
	w.elements, w.products = grow(w.elements, tileMatrices*c.matrix), grow(w.products, tileMatrices*c.products)
	for i := range images {
		c.inputs(w, w.elements, image+i, i, 0, c.channels)
	}
	for panel := c.panels * part / c.parts; panel < c.panels*(part+1)/c.parts; panel++ {
		c.multiplyAll(w, panel, images, w.elements)
		c.outputs(w, panel, image, images)
	}
}

// inputs fills some channels of elements for an image, the at-th there: for each element of a tile there is a matrix
// with a row for each tile.
func (c *tileProduct) inputs(w *tileWorker, elements []float32, image, at, first, channels int) {
	tiles, pixels := c.tilesH*c.tilesW, c.srcH*c.srcW
	w.pixels = grow(w.pixels, (1+pixels)*c.pitch)
	w.args.tableStep, w.args.pixelStep = 8*(tileSide+2)*(tileSide+2), 0
	w.args.elementStep, w.args.element = 4*c.pitch, 4*c.matrix
	turnPlanes(w.pixels, c.pitch, c.src[(image*c.channels+first)*pixels:], channels, pixels)
	w.transform(active.simd.tileInput, w.pixels, elements[at*tiles*c.pitch+first:], c.inTable, tiles, channels)
}

// multiplyAll fills w.products with a panel of output channels, of transformed windows.
func (c *tileProduct) multiplyAll(w *tileWorker, panel, images int, elements []float32) {
	for part := range filterParts {
		c.multiply(w, panel, part, images, elements, c.packed[panel*c.packedPanel+part*filterMatrices*c.packedMatrix:])
	}
}

// multiply fills a part of w.products with a panel of output channels.
func (c *tileProduct) multiply(w *tileWorker, panel, part, images int, elements, packed []float32) {
	tiles, cols, tall := images*c.tilesH*c.tilesW, c.micro.cols(), c.micro.rows
	width := min(cols, c.rows-panel*cols)
	elements, products := elements[part*filterMatrices*c.matrix:], w.products[part*filterMatrices*c.products:]
	args := &w.micro
	args.k, args.aRow, args.aStep, args.bStep, args.cRow, args.flags = c.channels, 4*c.pitch, 4, 4*cols, 4*cols, 0
	if tiles == 1 && width == cols && c.micro.each != nil {
		c.multiplyTile(args, elements, packed, products)
		return
	}
	for e := range filterMatrices {
		args.b = unsafe.Pointer(&packed[e*c.packedMatrix])
		for t := 0; t < tiles; t += tall {
			args.a = unsafe.Pointer(&elements[e*c.matrix+t*c.pitch])
			args.c = unsafe.Pointer(&products[e*c.products+t*cols])
			c.micro.run(args, min(tall, tiles-t), width)
		}
	}
}

// multiplyTile is multiply for a single tile and a whole panel: several matrices at once, since one row has too few sums
// for the processor.
func (c *tileProduct) multiplyTile(args *microArgs[float32], elements, packed, products []float32) {
	args.aRow, args.bRow, args.cRow = 4*c.matrix, 4*c.packedMatrix, 4*c.products
	for e := 0; e < filterMatrices; e += severalBs {
		args.a, args.b = unsafe.Pointer(&elements[e*c.matrix]), unsafe.Pointer(&packed[e*c.packedMatrix])
		args.c = unsafe.Pointer(&products[e*c.products])
		c.micro.runSeveral(c.micro.each, args)
	}
}

// outputs turns products into results.
func (c *tileProduct) outputs(w *tileWorker, panel, image, images int) {
	tiles, cols, pixels := c.tilesH*c.tilesW, c.micro.cols(), c.dstH*c.dstW
	first := panel * cols
	width := min(cols, c.rows-first)
	w.results = grow(w.results, (1+pixels)*cols)
	if c.bias != nil {
		copy(w.bias[:], c.bias[first:first+width])
	} else {
		clear(w.bias[:])
	}
	for i := range w.scale {
		w.scale[i] = 1
	}
	if c.scale != nil {
		copy(w.scale[:], c.scale[first:first+width])
	}
	w.args.bias, w.args.scale, w.args.floor = unsafe.Pointer(&w.bias[0]), unsafe.Pointer(&w.scale[0]), c.floor
	w.args.tableStep, w.args.pixelStep = 8*tileSide*tileSide, 0
	w.args.elementStep, w.args.element = 4*cols, 4*c.products
	for i := range images {
		w.transform(active.simd.tileOutput, w.results, w.products[i*tiles*cols:], c.outTable, tiles, width)
		turnPixels(c.dst[((image+i)*c.rows+first)*pixels:], pixels, w.results[cols:], cols, width)
	}
}
