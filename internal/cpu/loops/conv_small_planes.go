package loops

import (
	"unsafe"

	"medusa/internal/spec"
)

// smallPlanesConv is a convolution of planes so small that much of the window lies in the
// padding: of the 36 products of 3×3 taps and 2×2 places, 20. For each pair of a pixel
// and a place that a tap connects, a row of channels for each image is multiplied with the
// tap's matrix of weights.
type smallPlanesConv struct {
	images, channels, rows int // input and output channels
	srcPixels, dstPixels   int
	taps                   int
	src, dst, weights      []float32
	ready                  *Ready[float32] // beside the weights, or nil
	scale, bias            []float32
	relu, backward         bool
	pairs                  []placePair // ordered by tap

	micro     *micro[float32]
	srcPitch  int       // of pixels
	turned    []float32 // images, one pixel of zeros and the pixels, channels
	dstPitch  int
	turnedDst []float32
	panels    int
	packed    []float32 // all panels that are ready, or nil
	tapStep   int       // from a tap's packed weights of a channel to the next tap's
	chanStep  int       // and to those of the next channel
	workers   []placesWorker
}

// placePair is a place, the pixel that a tap of its window sees, and the tap.
type placePair struct{ dst, src, tap int }

type placesWorker struct {
	args    microArgs[float32]
	packed  []float32
	results []float32
}

// placesShare is the part of the window's products, in percent, up to which this way was
// measured faster.
const placesShare = 70

// worthPlaces tells the shapes for which it was measured faster. As with worthWinograd,
// the number of images does not count.
func (c *smallPlanesConv) worthPlaces(p *spec.Conv2D, single bool) bool {
	places := p.OutH() * p.OutW() * p.KH * p.KW
	if !single || p.Groups != 1 || p.C < tileChannels || p.OutC < tileChannels || places > 36*9 {
		return false
	}
	c.pairsOf(p)
	return 100*len(c.pairs) <= placesShare*places
}

// pairsOf lists the pairs.
func (c *smallPlanesConv) pairsOf(p *spec.Conv2D) {
	c.pairs = c.pairs[:0]
	for t := range p.KH * p.KW {
		for o := range p.OutH() * p.OutW() {
			i := o/p.OutW()*p.StrideH + t/p.KW*p.DilH - p.PadH
			j := o%p.OutW()*p.StrideW + t%p.KW*p.DilW - p.PadW
			if i >= 0 && i < p.H && j >= 0 && j < p.W {
				c.pairs = append(c.pairs, placePair{o, i*p.W + j, t})
			}
		}
	}
}

func (c *smallPlanesConv) forward(p *spec.Conv2D, x, w, scale, bias, y []float32, relu bool, ready *Ready[float32]) {
	c.ready, c.src, c.weights, c.scale, c.bias, c.dst, c.relu, c.backward = ready, x, w, scale, bias, y, relu, false
	c.images, c.channels, c.rows, c.taps = p.N, p.C, p.OutC, p.KH*p.KW
	c.srcPixels, c.dstPixels = p.H*p.W, p.OutH()*p.OutW()
	c.run()
}

func (c *smallPlanesConv) gradInput(p *spec.Conv2D, dy, w, dx []float32) {
	c.ready, c.src, c.weights, c.scale, c.bias, c.dst, c.relu, c.backward = nil, dy, w, nil, nil, dx, false, true
	c.images, c.channels, c.rows, c.taps = p.N, p.OutC, p.C, p.KH*p.KW
	c.srcPixels, c.dstPixels = p.OutH()*p.OutW(), p.H*p.W
	for i, pair := range c.pairs {
		c.pairs[i].dst, c.pairs[i].src = pair.src, pair.dst
	}
	c.run()
}

func (c *smallPlanesConv) run() {
	c.prepare()
	c.panels = ceil(c.rows, c.micro.cols())
	cols := c.micro.cols()
	c.tapStep, c.chanStep = cols, c.taps*cols
	if c.packed = nil; c.ready != nil {
		made := c.ready.places.load()
		if made == nil {
			made = c.makeReady()
		}
		c.packed, c.tapStep, c.chanStep = *made, c.channels*cols, cols
	}
	doAtMost(len(c.workers), c.images, (*placesTurn)(c))
	doAtMost(len(c.workers), c.panels, c)
	c.forget()
}

func (c *smallPlanesConv) prepare() {
	c.micro = kernels[float32]()
	if n := Threads(); len(c.workers) < n {
		c.workers = append(c.workers, make([]placesWorker, n-len(c.workers))...)
	}
	c.srcPitch = oddLines(c.channels)
	c.turned = grow(c.turned, c.images*(1+c.srcPixels)*c.srcPitch)
}

func (c *smallPlanesConv) makeReady() *[]float32 {
	return c.ready.places.make(func() []float32 {
		to := lasting[float32](c.panels * c.panelSize())
		doAtMost(len(c.workers), c.panels, &placesPack{c, to})
		return to
	})
}

// panelSize is the packed numbers of a panel.
func (c *smallPlanesConv) panelSize() int { return c.channels * c.taps * c.micro.cols() }

// panelOf returns the panel's first output channel, and how many it has.
func (c *smallPlanesConv) panelOf(panel int) (first, count int) {
	first = panel * c.micro.cols()
	return first, min(c.micro.cols(), c.rows-first)
}

// placesPack packs all weights, a panel a piece: taps, channels, output channels. So each tap's weights, which do not come from
// the cache, are read in the order in which they stand.
type placesPack struct {
	*smallPlanesConv
	to []float32
}

func (c *placesPack) Piece(panel, worker int) {
	w, cols := &c.workers[worker], c.micro.cols()
	first, count := c.panelOf(panel)
	w.packed = grow(w.packed, c.panelSize())
	c.pack(w.packed, first, count)
	to := c.to[panel*c.panelSize():]
	for tap := range c.taps {
		copyRows(to[tap*c.channels*cols:], w.packed[tap*cols:], cols, c.channels, cols, c.taps*cols)
	}
}

func (c *smallPlanesConv) forget() {
	c.packed, c.ready = nil, nil
	c.src, c.dst, c.weights, c.scale, c.bias = nil, nil, nil, nil, nil
	for i := range c.workers {
		c.workers[i].args = microArgs[float32]{}
	}
}

// placesTurn turns the source, an image a piece.
type placesTurn smallPlanesConv

func (c *placesTurn) Piece(image, _ int) {
	turnPlanes(c.turned[image*(1+c.srcPixels)*c.srcPitch:], c.srcPitch,
		c.src[image*c.channels*c.srcPixels:], c.channels, c.srcPixels)
}

// Piece computes a panel of output channels of all images.
func (c *smallPlanesConv) Piece(panel, worker int) {
	w, cols := &c.workers[worker], c.micro.cols()
	first, count := c.panelOf(panel)
	packed := c.panel(w, panel)
	w.results = grow(w.results, c.images*c.dstPixels*cols)
	clear(w.results)
	args := &w.args
	args.k, args.flags = c.channels, flagAdd
	args.aStep, args.bStep = 4, 4*c.chanStep
	if c.images == 1 {
		c.multiplyOne(w, packed, count)
	} else {
		c.multiply(w, packed, count)
	}
	c.finish(w, first, count)
	for i := range c.images {
		turnPixels(c.dst[(i*c.rows+first)*c.dstPixels:], c.dstPixels, w.results[i*c.dstPixels*cols:], cols, count)
	}
}

// multiply adds the products of each pair, of some images at a time.
func (c *smallPlanesConv) multiply(w *placesWorker, packed []float32, count int) {
	args, cols, tall := &w.args, c.micro.cols(), c.micro.rows
	args.aRow, args.cRow = 4*(1+c.srcPixels)*c.srcPitch, 4*c.dstPixels*cols
	for _, p := range c.pairs {
		for i := 0; i < c.images; i += tall {
			args.a = unsafe.Pointer(&c.turned[(i*(1+c.srcPixels)+1+p.src)*c.srcPitch])
			args.b = unsafe.Pointer(&packed[p.tap*c.tapStep])
			args.c = unsafe.Pointer(&w.results[(i*c.dstPixels+p.dst)*cols])
			c.micro.run(args, min(tall, c.images-i), count)
		}
	}
}

// multiplyOne is multiply for one image: some pairs of a tap at a time, since one row has too few sums for the processor.
func (c *smallPlanesConv) multiplyOne(w *placesWorker, packed []float32, count int) {
	args, cols := &w.args, c.micro.cols()
	for pairs := c.pairs; len(pairs) > 0; {
		p, n := pairs[0], evenPairs(pairs, c.micro.rows)
		if n > 1 {
			args.aRow, args.cRow = 4*(pairs[1].src-p.src)*c.srcPitch, 4*(pairs[1].dst-p.dst)*cols
		}
		args.a = unsafe.Pointer(&c.turned[(1+p.src)*c.srcPitch])
		args.b = unsafe.Pointer(&packed[p.tap*c.tapStep])
		args.c = unsafe.Pointer(&w.results[p.dst*cols])
		c.micro.run(args, n, count)
		pairs = pairs[n:]
	}
}

// evenPairs counts, up to most, the first pairs of one tap whose places stand at even distances, and whose pixels do, too.
func evenPairs(pairs []placePair, most int) int {
	n := 1
	for n < min(most, len(pairs)) && pairs[n].tap == pairs[0].tap &&
		pairs[n].dst-pairs[n-1].dst == pairs[1].dst-pairs[0].dst && pairs[n].src-pairs[n-1].src == pairs[1].src-pairs[0].src {
		n++
	}
	return n
}

// panel returns the packed weights of a panel.
func (c *smallPlanesConv) panel(w *placesWorker, panel int) []float32 {
	if c.packed != nil {
		return c.packed[panel*c.panelSize():]
	}
	first, count := c.panelOf(panel)
	w.packed = grow(w.packed, c.panelSize())
	c.pack(w.packed, first, count)
	return w.packed
}

// pack packs the weights of count output channels: channels, taps, output channels.
func (c *smallPlanesConv) pack(to []float32, first, count int) {
	cols := c.micro.cols()
	if !c.backward {
		packColumns(to, cols, c.weights[first*c.channels*c.taps:], c.channels*c.taps, count, c.channels*c.taps)
		return
	}
	for ch := range c.channels { // the channels' roles are exchanged
		packColumns(to[ch*c.taps*cols:], cols, c.weights[(ch*c.rows+first)*c.taps:], c.taps, count, c.taps)
	}
}

// finish applies scale, bias and ReLU to the results of count output channels.
func (c *smallPlanesConv) finish(w *placesWorker, first, count int) {
	if c.scale == nil && c.bias == nil && !c.relu {
		return
	}
	cols := c.micro.cols()
	for i := range c.images * c.dstPixels {
		row := w.results[i*cols : i*cols+count]
		for j, v := range row {
			if c.scale != nil {
				v *= c.scale[first+j]
			}
			if c.bias != nil {
				v += c.bias[first+j]
			}
			if c.relu {
				v = max(v, 0)
			}
			row[j] = v
		}
	}
}
