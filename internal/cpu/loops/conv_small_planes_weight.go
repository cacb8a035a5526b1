package loops

import (
	"unsafe"

	"medusa/internal/spec"
)

// gradWeight computes the gradients to the weights and, unless dbias is nil, to the bias.
func (c *smallPlanesConv) gradWeight(p *spec.Conv2D, x, dy, dw, dbias []float32) {
	c.src, c.dst, c.weights = x, dy, dw
	c.images, c.channels, c.rows, c.taps = p.N, p.C, p.OutC, p.KH*p.KW
	c.srcPixels, c.dstPixels = p.H*p.W, p.OutH()*p.OutW()
	c.prepare()
	c.dstPitch = oddLines(c.rows)
	c.turnedDst = grow(c.turnedDst, c.images*(1+c.dstPixels)*c.dstPitch)
	doAtMost(len(c.workers), c.images, (*placesTurn)(c))
	doAtMost(len(c.workers), c.images, (*placesTurnDst)(c))
	doAtMost(len(c.workers), ceil(c.rows, c.micro.rows), (*placesWeight)(c))
	for r := range dbias {
		var sum float64
		for i := range c.images {
			sum += Sum(dy[(i*c.rows+r)*c.dstPixels:][:c.dstPixels])
		}
		dbias[r] = float32(sum)
	}
	c.forget()
}

// placesTurnDst turns the gradients to results, an image a piece.
type placesTurnDst smallPlanesConv

func (c *placesTurnDst) Piece(image, _ int) {
	turnPlanes(c.turnedDst[image*(1+c.dstPixels)*c.dstPitch:], c.dstPitch,
		c.dst[image*c.rows*c.dstPixels:], c.rows, c.dstPixels)
}

// placesWeight computes the gradients to the weights of a few output channels.
type placesWeight smallPlanesConv

func (c *placesWeight) Piece(piece, worker int) {
	w, cols := &c.workers[worker], c.micro.cols()
	first := piece * c.micro.rows
	rows := min(c.micro.rows, c.rows-first)
	tap := oddLines(rows * c.srcPitch) // distance of the taps' matrices
	w.results = grow(w.results, c.taps*tap)
	clear(w.results)
	args := &w.args
	args.k, args.flags = c.images, flagAdd
	args.aRow, args.aStep = 4, 4*(1+c.dstPixels)*c.dstPitch
	args.bStep, args.cRow = 4*(1+c.srcPixels)*c.srcPitch, 4*c.srcPitch
	for col := 0; col < c.channels; col += cols {
		for _, p := range c.pairs {
			args.a = unsafe.Pointer(&c.turnedDst[(1+p.dst)*c.dstPitch+first])
			args.b = unsafe.Pointer(&c.turned[(1+p.src)*c.srcPitch+col])
			args.c = unsafe.Pointer(&w.results[p.tap*tap+col])
			c.micro.run(args, rows, min(cols, c.channels-col))
		}
	}
	for r := range rows {
		turnPixels(c.weights[(first+r)*c.channels*c.taps:], c.taps, w.results[r*c.srcPitch:], tap, c.channels)
	}
}
