package cpu

import "medusa/internal/cpu/loops"

// halves is how half of a symmetric matrix (n, n) stands in memory: of each band of gradientRows rows the columns from
// its first row on, cut into blocks as wide as a band, each block row by row. So a block is read and turned at once.
type halves struct{ n int }

// bands is how many bands there are.
func (h halves) bands() int { return (h.n + gradientRows - 1) / gradientRows }

// band is the rows of a band.
func (h halves) band(b int) (from, to int) { return b * gradientRows, min((b+1)*gradientRows, h.n) }

// block is the block of rows of band b and columns of band c ≥ b, and its width.
func (h halves) block(x []float32, b, c int) (block []float32, width int) {
	from, to := h.band(b)
	left, right := h.band(c)
	width = right - left
	start := from*h.n - gradientRows*gradientRows*b*(b-1)/2 + (left-from)*(to-from)
	return x[start:][:(to-from)*width], width
}

// at is the element of a pair of rows.
func (h halves) at(x []float32, r, j int) float32 {
	b, c := r/gradientRows, j/gradientRows
	if b > c {
		r, j, b, c = j, r, c, b
	}
	block, width := h.block(x, b, c)
	return block[r%gradientRows*width+j%gradientRows]
}

// put takes the columns from that of band b on of row r.
func (h halves) put(x, row []float32, b, r int) {
	for c := b; c < h.bands(); c++ {
		block, width := h.block(x, b, c)
		copy(block[r%gradientRows*width:][:width], row)
		row = row[width:]
	}
}

// rows takes the whole rows of band b to rows of dst, pitch apart.
func (h halves) rows(dst []float32, pitch int, x []float32, b int) {
	from, to := h.band(b)
	for c := range h.bands() {
		at, _ := h.band(c)
		if c < b {
			block, width := h.block(x, c, b)
			loops.Transpose(dst[at:], pitch, block, width, gradientRows, to-from)
			continue
		}
		block, width := h.block(x, b, c)
		for r := range to - from {
			copy(dst[r*pitch+at:][:width], block[r*width:])
		}
	}
}
