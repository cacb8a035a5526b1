package loops

import (
	"unsafe"

	"medusa/internal/spec"
)

// winogradConv is a convolution of 3×3 windows at stride 1 by Winograd's algorithm
// F(4×4, 3×3): tiles of 6×6 inputs and the windows are transformed, multiplied element by
// element over all channels (36 products of matrices), and transformed back to tiles of
// 4×4 results. It needs 2.25 multiplications a result where the plain way needs 9. Pictures
// are turned first so that a pixel's channels stand side by side, and a vector holds
// channels: every plane, also one of 4×4, fills the vectors.
//
// The points are 0, ±√½, ±√2 and infinity. The error of a result is up to about six times
// that of the plain product, at most 2.4e-6 of the largest result (TestWinogradError). A NaN or
// infinity in the input makes all results of the tiles that see it NaN.
//
// A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
type winogradConv struct {
	product tileProduct
	weight  tileWeights
}

const (
	tileMatrices = 36 // elements of a transformed tile
	tileSide     = 4  // results of a tile, along an axis
	tileChannels = 16 // fewer are not worth the transforms
	tileMost     = 6  // multiplications a result from which on tiles do not pay
)

// useWinograd is switched by tests.
var useWinograd = true

// worthWinograd tells the shapes for which it was measured faster: in and out are
// channels, h and w the sides of a plane of results. The number of images does not count: so
// a picture's result does not depend on the size of its batch.
func worthWinograd[T Float](p *spec.Conv2D, in, out, h, w int) bool {
	return useWinograd && active.simd.tileInput != nil && isSingle[T]() &&
		p.KH == 3 && p.KW == 3 && p.StrideH == 1 && p.StrideW == 1 && p.DilH == 1 && p.DilW == 1 && p.Groups == 1 &&
		p.PadH <= 2 && p.PadW <= 2 && in >= tileChannels && out >= tileChannels &&
		tileMatrices*ceil(h, tileSide)*ceil(w, tileSide) <= tileMost*h*w
}

// tileArgs is what a transform works on: tiles of pixels, which stand where a table says,
// and of elements, which stand a step apart. The assembly knows the layout. Steps are in
// bytes.
type tileArgs struct {
	pixels      unsafe.Pointer
	elements    unsafe.Pointer
	table       unsafe.Pointer // offsets of a tile's pixels
	scratch     unsafe.Pointer // 36 vectors
	tiles       int
	vectors     int // of channels
	tableStep   int // from tile to tile
	pixelStep   int
	elementStep int
	element     int            // from element to element
	bias, scale unsafe.Pointer // of the results' channels, whole vectors
	floor       float32        // smaller results become this
	tap, ahead  int            // of windows: from tap to tap, and from what is read to what is read later
	products    unsafe.Pointer // with windows
	product     int            // from element to element of them
}

// tileWorker is a worker's scratch memory.
type tileWorker struct {
	micro    microArgs[float32]
	args     tileArgs
	scratch  [tileMatrices * 16]float32
	pixels   []float32 // turned pictures
	elements []float32 // transformed
	packed   []float32 // transformed windows of a panel
	products []float32
	results  []float32   // turned
	bias     [64]float32 // of a panel
	scale    [64]float32
}

// transform runs f on so many tiles of so many channels.
func (w *tileWorker) transform(f func(*tileArgs), pixels, elements []float32, table []int, tiles, channels int) {
	w.args.pixels, w.args.elements = unsafe.Pointer(&pixels[0]), unsafe.Pointer(&elements[0])
	w.args.table, w.args.scratch = unsafe.Pointer(&table[0]), unsafe.Pointer(&w.scratch[0])
	w.args.tiles, w.args.vectors = tiles, ceil(channels, kernels[float32]().lanes)
	f(&w.args)
}

// forget drops the pointers into the caller's memory.
func (w *tileWorker) forget() { w.micro, w.args = microArgs[float32]{}, tileArgs{} }

// oddLines rounds up to an odd number of cache lines: columns a power of two apart would
// fall into the same few sets of the cache.
func oddLines(n int) int { return (ceil(n, 16) | 1) * 16 }

// tableOfTiles lists, in bytes, where the size×size pixels of each tile of a picture are
// whose first tile begins at (top, left) and whose pixels stand pitch elements apart. The
// picture's pixels come after one that stands for all that lie outside.
func tableOfTiles(table []int, size, top, left, tilesH, tilesW, h, w, pitch int) []int {
	table = table[:0]
	for t := range tilesH * tilesW {
		for k := range size * size {
			i, j := top+t/tilesW*tileSide+k/size, left+t%tilesW*tileSide+k%size
			at := 0
			if i >= 0 && i < h && j >= 0 && j < w {
				at = 4 * pitch * (1 + i*w + j)
			}
			table = append(table, at)
		}
	}
	return table
}

// turnPlanes turns channels planes of so many pixels, behind one pixel of zeros.
func turnPlanes(dst []float32, pitch int, planes []float32, channels, pixels int) {
	clear(dst[:channels])
	packColumns(dst[pitch:], pitch, planes, pixels, channels, pixels)
}

// turnPixels turns pixels back to planes.
func turnPixels(planes []float32, pixels int, src []float32, pitch, channels int) {
	whole := pixels &^ 3 // packColumns may write behind other numbers of columns
	if whole == 0 {
		for c := range channels {
			for i := range pixels {
				planes[c*pixels+i] = src[i*pitch+c]
			}
		}
		return
	}
	packColumns(planes, pixels, src, pitch, whole, channels)
	if whole < pixels {
		packColumns(planes[pixels-4:], pixels, src[(pixels-4)*pitch:], pitch, 4, channels)
	}
}
