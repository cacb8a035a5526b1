package loops

import (
	"unsafe"

	"medusa/internal/spec"
)

// tileWeights is the gradient with respect to the windows: the adjoint of the algorithm.
// Inputs and gradients to results are transformed, multiplied element by element with
// sums over all tiles, and the sums are transformed to windows. So many images at once
// that their transformed numbers stay in the cache.
type tileWeights struct {
	images, channels, rows int
	srcH, srcW, dstH, dstW int
	tilesH, tilesW         int
	x, dy, dw              []float32

	micro             *micro[float32]
	xTable, dyTable   []int
	windowTable       []int
	xPitch, dyPitch   int // of pixels and of tiles
	xMatrix, dyMatrix int // distances of the matrices
	perChunk          int // images
	perPiece          int // images turned in one piece
	first, count      int // images of the chunk under way
	xs, dys           []float32
	sums              []float32 // 36 matrices of rows × channels
	sumPitch          int
	sumMatrix         int
	workers           []tileWorker

	dbias []float32 // or nil
	parts []float64 // of dbias: images × output channels
}

const (
	tileChunkMemory = 1 << 20 // transformed numbers of a chunk, about
	tileWindowsRows = 8       // output channels whose windows are a piece
)

func (c *winogradConv) gradWeight(p *spec.Conv2D, x, dy, dw, dbias []float32) {
	t := &c.weight
	t.x, t.dy, t.dw, t.dbias = x, dy, dw, dbias
	t.images, t.channels, t.srcH, t.srcW, t.rows, t.dstH, t.dstW = p.N, p.C, p.H, p.W, p.OutC, p.OutH(), p.OutW()
	t.plan(-p.PadH, -p.PadW)
	t.run()
	t.x, t.dy, t.dw, t.dbias = nil, nil, nil, nil
	for i := range t.workers {
		t.workers[i].forget()
	}
}

func (c *tileWeights) plan(top, left int) {
	c.micro = kernels[float32]()
	c.tilesH, c.tilesW = ceil(c.dstH, tileSide), ceil(c.dstW, tileSide)
	tiles := c.tilesH * c.tilesW
	c.xPitch, c.dyPitch = oddLines(c.channels), oddLines(c.rows)
	c.xTable = tableOfTiles(c.xTable, tileSide+2, top, left, c.tilesH, c.tilesW, c.srcH, c.srcW, c.xPitch)
	c.dyTable = tableOfTiles(c.dyTable, tileSide, 0, 0, c.tilesH, c.tilesW, c.dstH, c.dstW, c.dyPitch)
	c.perChunk = min(c.images, ceil(tileChunkMemory, tileMatrices*(c.xPitch+c.dyPitch)*tiles))
	c.perPiece = ceil(c.perChunk, tilePieces)
	c.xMatrix, c.dyMatrix = oddLines(c.perChunk*tiles*c.xPitch), oddLines(c.perChunk*tiles*c.dyPitch)
	c.sumPitch = oddLines(c.channels)
	c.sumMatrix = oddLines(c.rows * c.sumPitch)
	c.windowTable = c.windowTable[:0]
	for t := range 9 {
		c.windowTable = append(c.windowTable, 4*t*c.sumPitch)
	}
}

func (c *tileWeights) run() {
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]tileWorker, n-len(c.workers))...)
	}
	c.xs, c.dys = grow(c.xs, tileMatrices*c.xMatrix), grow(c.dys, tileMatrices*c.dyMatrix)
	c.sums = grow(c.sums, tileMatrices*c.sumMatrix)
	c.parts = grow(c.parts, c.images*c.rows)
	for c.first = 0; c.first < c.images; c.first += c.perChunk {
		c.count = min(c.perChunk, c.images-c.first)
		doAtMost(len(c.workers), ceil(c.count, c.perPiece), c)
		doAtMost(len(c.workers), tileMatrices, (*tileSums)(c))
	}
	doAtMost(len(c.workers), ceil(c.rows, tileWindowsRows), (*tileGradients)(c))
	for r := range c.dbias {
		var sum float64
		for image := range c.images {
			sum += c.parts[image*c.rows+r]
		}
		c.dbias[r] = float32(sum)
	}
}

// Piece turns and transforms some images of the chunk.
func (c *tileWeights) Piece(piece, worker int) {
	w, tiles := &c.workers[worker], c.tilesH*c.tilesW
	src, dst := c.srcH*c.srcW, c.dstH*c.dstW
	w.pixels = grow(w.pixels, max((1+src)*c.xPitch, (1+dst)*c.dyPitch))
	w.args.pixelStep = 0
	for i := piece * c.perPiece; i < min((piece+1)*c.perPiece, c.count); i++ {
		turnPlanes(w.pixels, c.xPitch, c.x[(c.first+i)*c.channels*src:], c.channels, src)
		w.args.tableStep, w.args.elementStep, w.args.element = 8*(tileSide+2)*(tileSide+2), 4*c.xPitch, 4*c.xMatrix
		w.transform(active.simd.tileInput, w.pixels, c.xs[i*tiles*c.xPitch:], c.xTable, tiles, c.channels)
		dy := c.dy[(c.first+i)*c.rows*dst:]
		turnPlanes(w.pixels, c.dyPitch, dy, c.rows, dst)
		for r := range c.dbias { // while dy is in the cache
			c.parts[(c.first+i)*c.rows+r] = Sum(dy[r*dst : (r+1)*dst])
		}
		w.args.tableStep, w.args.elementStep, w.args.element = 8*tileSide*tileSide, 4*c.dyPitch, 4*c.dyMatrix
		w.transform(active.simd.tileGrad, w.pixels, c.dys[i*tiles*c.dyPitch:], c.dyTable, tiles, c.rows)
	}
}

// tileSums adds a chunk to the sums, a matrix a piece.
type tileSums tileWeights

func (c *tileSums) Piece(e, worker int) {
	args, tall, cols := &c.workers[worker].micro, c.micro.rows, c.micro.cols()
	args.k = c.count * c.tilesH * c.tilesW
	args.aRow, args.aStep, args.bStep, args.cRow = 4, 4*c.dyPitch, 4*c.xPitch, 4*c.sumPitch
	args.flags = 0
	if c.first > 0 {
		args.flags = flagAdd
	}
	for col := 0; col < c.channels; col += cols {
		args.b = unsafe.Pointer(&c.xs[e*c.xMatrix+col])
		for row := 0; row < c.rows; row += tall {
			args.a = unsafe.Pointer(&c.dys[e*c.dyMatrix+row])
			args.c = unsafe.Pointer(&c.sums[e*c.sumMatrix+row*c.sumPitch+col])
			c.micro.run(args, min(tall, c.rows-row), min(cols, c.channels-col))
		}
	}
}

// tileGradients transforms the sums to windows, those of a few output channels a piece.
type tileGradients tileWeights

func (c *tileGradients) Piece(piece, worker int) {
	w := &c.workers[worker]
	w.pixels = grow(w.pixels, 9*c.sumPitch)
	w.args.element = 4 * c.sumMatrix
	for row := piece * tileWindowsRows; row < min((piece+1)*tileWindowsRows, c.rows); row++ {
		w.transform(active.simd.tileWeight, w.pixels, c.sums[row*c.sumPitch:], c.windowTable, 1, c.channels)
		turnPixels(c.dw[row*c.channels*9:], 9, w.pixels, c.sumPitch, c.channels)
	}
}
