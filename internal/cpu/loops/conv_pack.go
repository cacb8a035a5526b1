package loops

// convWeights packs the weights, a panel of rows a piece.
type convWeights[T Float] convProduct[T]

func (c *convWeights[T]) Piece(piece, _ int) {
	group, panel := piece/c.groupPanels, piece%c.groupPanels
	pitch, depth := c.micro.pitch(), c.channels*len(c.taps)
	for b := range len(c.blocks) - 1 {
		k0, kc := c.blocks[b], c.blocks[b+1]-c.blocks[b]
		block := c.packed[group*c.groupSize+c.groupPanels*pitch*k0:]
		if c.backward {
			c.packBackward(block[panel*pitch*kc:][:pitch*kc], group, panel*c.micro.rows, k0, kc)
			continue
		}
		packPanel(block, c.micro.rows, pitch, panel, c.weights[group*c.rows*depth:], depth, c.rows, k0, kc, true)
		if c.scale == nil {
			continue
		}
		first := group*c.rows + panel*c.micro.rows
		scale := c.scale[first:min(first+c.micro.rows, (group+1)*c.rows)]
		for k := range kc {
			row := block[panel*pitch*kc+k*pitch:][:len(scale)]
			for i, s := range scale {
				row[i] *= s
			}
		}
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

// convMatrix packs the shared matrix, a set of images of a group a piece.
type convMatrix[T Float] convProduct[T]

func (c *convMatrix[T]) Piece(piece, worker int) {
	p, w := (*convProduct[T])(c), &c.workers[worker]
	group, set := piece%c.groups, piece/c.groups
	image := set * c.perSet
	images := min(c.perSet, c.images-image)
	planes := p.copied(w, group, image, images)
	columns := images * c.gridH * c.gridW
	p.runsOf(w, 0, columns)
	for b := range len(c.blocks) - 1 {
		p.pack(w, p.sharedBlock(group, set, b), planes, b, columns)
	}
}
