package loops

import "unsafe"

// Windows of a tileProduct are packed, nine numbers each, and transformed, 36. In which form they are kept, and when they are
// transformed, is a matter of where they are read from: a few operations take less time than four times the bytes from memory,
// and more than reading from a cache. The bits are the same.

const (
	windowTaps     = 9
	filterParts    = 3                          // of two rows of elements of a tile each
	filterMatrices = tileMatrices / filterParts // elements of a part
	tileReady      = 1 << 19                    // most transformed numbers of a layer's windows that are kept: more do not stay in a cache
	windowsAtOnce  = 4 << 10                    // numbers of packed windows that do in the nearest one, while they are read several times
)

// prepareWindows transforms the windows of all panels, unless they are ready or each is transformed where it is used.
func (c *tileProduct) prepareWindows() {
	c.windows, c.packed = nil, nil
	if c.ready != nil {
		if c.panels*c.packedPanel <= tileReady {
			c.packed = c.readyTransformed()
			return
		}
		c.windows = c.readyPacked()
	}
	if c.sets > 1 {
		c.own = grow(c.own, c.panels*c.packedPanel)
		c.transformAll(c.own)
	}
}

func (c *tileProduct) readyTransformed() []float32 {
	made := c.ready.transformed.load()
	if made == nil {
		made = c.ready.transformed.make(func() []float32 {
			c.transformAll(lasting[float32](c.panels * c.packedPanel))
			return c.packed
		})
	}
	return *made
}

func (c *tileProduct) readyPacked() []float32 {
	made := c.ready.windows.load()
	if made == nil {
		made = c.ready.windows.make(func() []float32 {
			c.windows = lasting[float32](c.panels * c.windowPanel)
			doAtMost(len(c.workers), c.panels, (*tilePack)(c))
			return c.windows
		})
	}
	return *made
}

func (c *tileProduct) transformAll(to []float32) {
	c.packed = to
	doAtMost(len(c.workers), c.panels, (*tileWindows)(c))
}

// tilePack packs the windows, a panel of output channels a piece.
type tilePack tileProduct

func (c *tilePack) Piece(panel, _ int) {
	(*tileProduct)(c).pack(c.windows[panel*c.windowPanel:], panel)
}

// tileWindows transforms the windows, a panel of output channels a piece.
type tileWindows tileProduct

func (c *tileWindows) Piece(panel, worker int) {
	w, p := &c.workers[worker], (*tileProduct)(c)
	windows := p.windowsOf(w, panel)
	for part := range filterParts {
		p.transform(w, panel, part, windows, c.packed[panel*c.packedPanel+part*filterMatrices*c.packedMatrix:])
	}
}

// windowsOf returns the packed windows of a panel: channels, taps, output channels.
func (c *tileProduct) windowsOf(w *tileWorker, panel int) []float32 {
	if c.windows != nil {
		return c.windows[panel*c.windowPanel:]
	}
	w.pixels = grow(w.pixels, c.windowPanel)
	c.pack(w.pixels, panel)
	return w.pixels
}

func (c *tileProduct) pack(to []float32, panel int) {
	cols := c.micro.cols()
	first := panel * cols
	count := min(cols, c.rows-first)
	if !c.backward {
		packColumns(to, cols, c.weights[first*c.channels*windowTaps:], c.channels*windowTaps, count, c.channels*windowTaps)
		return
	}
	for ch := range c.channels { // the channels' roles are exchanged
		packColumns(to[ch*windowTaps*cols:], cols, c.weights[(ch*c.rows+first)*windowTaps:], windowTaps, count, windowTaps)
	}
}

// transform fills packed with a part of the transformed windows of a panel.
func (c *tileProduct) transform(w *tileWorker, panel, part int, windows, packed []float32) {
	c.read(w, panel, windows)
	w.args.elements, w.args.tiles = unsafe.Pointer(&packed[0]), c.channels
	w.args.elementStep, w.args.element = 4*c.micro.cols(), 4*c.packedMatrix
	active.simd.tileFilter[part](&w.args)
}

// multiplyParts fills w.products with a panel of output channels of the only set, each part as soon as its windows are
// transformed.
func (c *tileProduct) multiplyParts(w *tileWorker, panel int) {
	windows := c.windowsOf(w, panel)
	w.packed = grow(w.packed, filterMatrices*c.packedMatrix)
	for part := range filterParts {
		c.transform(w, panel, part, windows, w.packed)
		c.multiply(w, panel, part, c.images, c.elements, w.packed)
	}
}

// multiplyWindows does the same for a single tile: the windows are transformed in registers, some channels at a time.
func (c *tileProduct) multiplyWindows(w *tileWorker, panel int) {
	windows, cols := c.windowsOf(w, panel), c.micro.cols()
	clear(w.products)
	w.args.products, w.args.product, w.args.element = unsafe.Pointer(&w.products[0]), 4*c.products, 4*c.matrix
	few := max(1, windowsAtOnce/(windowTaps*cols))
	for from := 0; from < c.channels; from += few {
		c.read(w, panel, windows[from*windowTaps*cols:])
		w.args.elements, w.args.tiles = unsafe.Pointer(&c.elements[from]), min(few, c.channels-from)
		active.simd.tileProducts(&w.args)
	}
}

// read has a kernel read packed windows of a panel. While it reads those that are ready, others are called for from memory: those of
// the panel that the worker is likely to have next.
func (c *tileProduct) read(w *tileWorker, panel int, windows []float32) {
	cols, first := c.micro.cols(), 0
	w.args.tap, w.args.ahead, w.args.pixelStep = 4*cols, 0, 4*windowTaps*cols
	if c.backward { // turned by half
		first, w.args.tap = (windowTaps-1)*cols, -4*cols
	}
	if c.windows != nil {
		w.args.ahead = 4 * c.windowPanel * min(len(c.workers), Threads())
	}
	w.args.pixels, w.args.vectors = unsafe.Pointer(&windows[first]), ceil(min(cols, c.rows-panel*cols), c.micro.lanes)
}
