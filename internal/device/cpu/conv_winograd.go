package cpu

import "unsafe"

// convWinograd is a convolution of 3×3 windows at stride 1 by Winograd's algorithm
// F(2×2, 3×3): tiles of 4×4 inputs and the windows are transformed, multiplied element by
// element over all channels (16 products of matrices), and transformed back to tiles of
// 2×2 results. It needs 4 multiplications a result where the plain way needs 9. The
// transforms' additions cost accuracy, the shorter sums give it back: the error is about
// that of the plain product, and tested. A NaN or infinity in the input makes all results
// of the tiles that see it NaN.
//
// A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
type convWinograd struct {
	window         convWindow // of the tiles' elements
	images         int
	channels, rows int // input and output channels
	src, dst       []float32
	dstH, dstW     int
	bias           []float32
	relu           bool

	weights  []float32
	backward bool // weights are those of the forward convolution

	micro        *micro[float32]
	tilesH       int
	tilesW       int
	perSet, sets int
	panels       int       // of output channels
	packed       []float32 // transformed weights: 16, panels, channels
	workers      []winogradWorker
}

type winogradWorker struct {
	args    microArgs[float32]
	clean   bool
	planes  []float32 // copied
	inputs  []float32 // transformed: 16, panels of tiles, channels
	results []float32 // products: 16, output channels, tiles
	tiles   [][]winogradTiles
	outputs []winogradResults
}

// winogradTiles is a run of tiles along a line: where their inputs begin in the copied
// planes, and where they go in a row of a panel. In bytes, as the assembly wants it.
type winogradTiles struct{ src, dst int }

// winogradResults is a run of tiles: where their products begin in a row, where the
// results go in a plane, and which lanes of two vectors exist, for each of two lines.
type winogradResults struct {
	src, dst int
	lanes    [4]uint64
}

const (
	winogradMatrices = 16
	winogradChannels = 16  // fewer are not worth the transforms
	winogradMost     = 256 // with more, transforming the weights costs too much
	winogradPlaces   = 49  // results of a plane, at least
	winogradColumns  = 64  // tiles multiplied at once
	winogradSet      = 192 // tiles of a piece, about
	winogradRowBlock = 48  // output channels multiplied at once, a multiple of the tile's

	// winogradProducts is the distance of the matrices of products: not a multiple of a
	// large power of two, since the same element of all is read at once.
	winogradProducts = winogradRowBlock*winogradColumns + 16
)

// winogradLeast is how many results a channel needs, over all images, to pay for the
// transformed windows. Tests lower it.
var winogradLeast = 1024

// worthWinograd tells the shapes for which it was measured faster.
func worthWinograd[T Float](p *Conv2D, in, out, h, w int) bool {
	return active.simd.winogradInput != nil && isSingle[T]() &&
		p.KH == 3 && p.KW == 3 && p.StrideH == 1 && p.StrideW == 1 && p.DilH == 1 && p.DilW == 1 && p.Groups == 1 &&
		p.PadH <= 2 && p.PadW <= 2 &&
		in >= winogradChannels && out >= winogradChannels && in <= winogradMost && out <= winogradMost &&
		h*w >= winogradPlaces && p.N*h*w >= winogradLeast
}

func winogradForward(c *convWinograd, p *Conv2D, x, w, bias, y []float32, relu bool) {
	c.src, c.weights, c.bias, c.dst, c.relu, c.backward = x, w, bias, y, relu, false
	c.geometry(p.N, p.C, p.H, p.W, p.OutC, p.OutH(), p.OutW(), -p.PadH, -p.PadW)
	c.run()
}

func winogradBackward(c *convWinograd, p *Conv2D, dy, w, dx []float32) {
	c.src, c.weights, c.bias, c.dst, c.relu, c.backward = dy, w, nil, dx, false, true
	c.geometry(p.N, p.OutC, p.OutH(), p.OutW(), p.C, p.H, p.W, p.PadH-2, p.PadW-2)
	c.run()
}

// geometry sets the shapes; the first window begins at (top, left) in the source.
func (c *convWinograd) geometry(images, channels, srcH, srcW, rows, dstH, dstW, top, left int) {
	c.images, c.channels, c.rows, c.dstH, c.dstW = images, channels, rows, dstH, dstW
	c.tilesH, c.tilesW = ceil(dstH, 2), ceil(dstW, 2)
	v := &c.window
	v.channels, v.srcH, v.srcW = channels, srcH, srcW
	v.stepH, v.stepW, v.gridH, v.gridW = 1, 1, 2*c.tilesH-1, 2*c.tilesW-1
	v.taps = append(v.taps[:0], tap{top, left}, tap{top + 3, left + 3})
	v.layout(false)
}

func (c *convWinograd) run() {
	c.micro = kernels[float32]()
	c.perSet = min(c.images, ceil(winogradSet, c.tilesH*c.tilesW))
	c.sets = ceil(c.images, c.perSet)
	c.panels = ceil(c.rows, c.micro.rows)
	c.packed = grow(c.packed, winogradMatrices*c.panels*c.micro.pitch()*c.channels)
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]winogradWorker, n-len(c.workers))...)
	}
	for i := range c.workers {
		c.workers[i].clean = false
	}
	doAtMost(len(c.workers), c.panels, (*winogradWeights)(c))
	doAtMost(len(c.workers), c.sets, c)
	c.src, c.dst, c.bias, c.weights = nil, nil, nil, nil
	for i := range c.workers {
		c.workers[i].args = microArgs[float32]{}
	}
}

// winogradWeights transforms the windows, a panel of output channels a piece.
type winogradWeights convWinograd

func (c *winogradWeights) Piece(panel, _ int) {
	pitch := c.micro.pitch()
	matrix := c.panels * pitch * c.channels
	first := panel * c.micro.rows
	for i := range min(c.micro.rows, c.rows-first) {
		for ch := range c.channels {
			var g [9]float32
			if c.backward { // turned by half, and the channels' roles exchanged
				w := c.weights[(ch*c.rows+first+i)*9:][:9]
				for t := range g {
					g[t] = w[8-t]
				}
			} else {
				copy(g[:], c.weights[((first+i)*c.channels+ch)*9:][:9])
			}
			out := c.packed[panel*pitch*c.channels+ch*pitch+i:]
			var half [4][3]float32
			for j := range 3 {
				half[0][j], half[1][j], half[2][j], half[3][j] = winogradG(g[j], g[3+j], g[6+j])
			}
			for k, h := range half {
				a, b, c, d := winogradG(h[0], h[1], h[2])
				out[4*k*matrix], out[(4*k+1)*matrix], out[(4*k+2)*matrix], out[(4*k+3)*matrix] = a, b, c, d
			}
		}
	}
}

// winogradG is the windows' transform along one axis.
func winogradG(g0, g1, g2 float32) (a, b, c, d float32) {
	even, odd := (g0+g2)*0.5, g1*0.5
	return g0, even + odd, even - odd, g2
}

// Piece computes a set of images.
func (c *convWinograd) Piece(set, worker int) {
	w := &c.workers[worker]
	image := set * c.perSet
	images := min(c.perSet, c.images-image)
	v := &c.window
	if !w.clean {
		w.planes = grow(w.planes, c.perSet*v.image()+convSlack)
		clear(w.planes)
		w.clean = true
	}
	size := c.channels * v.srcH * v.srcW
	for i := range images {
		copyPlanes(v, w.planes[i*v.image():], c.src[(image+i)*size:], c.channels)
	}
	tiles := images * c.tilesH * c.tilesW
	for from := 0; from < tiles; from += winogradColumns {
		count := min(winogradColumns, tiles-from)
		c.runs(w, image, from, count)
		c.transform(w, count)
		for row := 0; row < c.rows; row += winogradRowBlock {
			c.multiply(w, row, min(winogradRowBlock, c.rows-row), count)
		}
	}
}

// runs finds the runs of tiles from the from-th of the set on.
func (c *convWinograd) runs(w *winogradWorker, image, from, count int) {
	v, cols := &c.window, c.micro.cols()
	panels := ceil(count, cols)
	if len(w.tiles) < panels {
		w.tiles = append(w.tiles, make([][]winogradTiles, panels-len(w.tiles))...)
	}
	for p := range panels {
		w.tiles[p] = w.tiles[p][:0]
	}
	w.outputs = w.outputs[:0]
	for col := 0; col < count; {
		t := from + col
		n, i, j := t/(c.tilesH*c.tilesW), t/c.tilesW%c.tilesH, t%c.tilesW
		length := min(c.tilesW-j, count-col, cols-col%cols, 16)
		w.tiles[col/cols] = append(w.tiles[col/cols], winogradTiles{
			src: 4 * (n*v.image() + 2*i*v.cols + 2*j), dst: 4 * (col % cols),
		})
		lanes := uint64(1)<<min(2*length, c.dstW-2*j) - 1
		r := winogradResults{
			src: 4 * col, dst: 4 * ((image+n)*c.rows*c.dstH*c.dstW + 2*i*c.dstW + 2*j),
			lanes: [4]uint64{lanes & 0xffff, lanes >> 16},
		}
		if 2*i+1 < c.dstH {
			r.lanes[2], r.lanes[3] = r.lanes[0], r.lanes[1]
		}
		w.outputs = append(w.outputs, r)
		col += length
	}
}

// matrix is the distance of the transformed inputs' matrices, with slack for the vector
// that reaches beyond the last panel.
func (c *convWinograd) matrix() int {
	return winogradColumns*c.channels + 16
}

// transform fills the panels of transformed inputs.
func (c *convWinograd) transform(w *winogradWorker, count int) {
	v, cols := &c.window, c.micro.cols()
	w.inputs = grow(w.inputs, winogradMatrices*c.matrix())
	for p := range ceil(count, cols) {
		active.simd.winogradInput(&w.inputs[p*cols*c.channels], &w.planes[0], c.channels, 4*v.plane(), 4*v.cols,
			&w.tiles[p][0], len(w.tiles[p]), 4*cols, 4*c.matrix())
	}
}

// multiply computes some output channels of the tiles.
func (c *convWinograd) multiply(w *winogradWorker, row, rows, count int) {
	cols, pitch, tall := c.micro.cols(), c.micro.pitch(), c.micro.rows
	w.results = grow(w.results, winogradMatrices*winogradProducts+convSlack)
	args := &w.args
	args.k, args.aRow, args.aStep, args.bStep, args.cRow = c.channels, 4, 4*pitch, 4*cols, 4*winogradColumns
	args.flags = 0
	for e := range winogradMatrices {
		for i := 0; i < rows; i += tall {
			args.a = unsafe.Pointer(&c.packed[(e*c.panels+(row+i)/tall)*pitch*c.channels])
			for p := 0; p < count; p += cols {
				args.b = unsafe.Pointer(&w.inputs[e*c.matrix()+p*c.channels])
				args.c = unsafe.Pointer(&w.results[e*winogradProducts+i*winogradColumns+p])
				c.micro.run(args, min(tall, rows-i), min(cols, count-p))
			}
		}
	}
	var bias *float32
	if c.bias != nil {
		bias = &c.bias[row]
	}
	flags := 0
	if c.relu {
		flags = flagRelu
	}
	plane := c.dstH * c.dstW
	active.simd.winogradOutput(&c.dst[row*plane], &w.results[0], rows, 4*plane, 4*c.dstW,
		&w.outputs[0], len(w.outputs), 4*winogradColumns, 4*winogradProducts, bias, flags)
}
