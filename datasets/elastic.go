package datasets

import "math"

// Elastic says how a picture is bent: place (x, y) of the result is moved by (dx, dy) before
// Recipe.Map, where dx and dy are uniform cubic B-splines over Cells×Cells cells that fill
// the picture, with random numbers at their knots. No place moves farther than Reach along an axis.
//
// The spline has the knots (i, j), i and j = 0 … Cells+2, and a place in cell (p, q) depends on
// those from (p, q) to (p+3, q+3). Everything is done with whole numbers, all quotients and shifts of
// which are rounded as Go does; lengths are pixels of the result with 16 binary places:
//
//	knot   = (h>>40 · (2·Reach + 1))>>24 − Reach, h = mix(Seed + 2·(j·(Cells+3) + i) + a), a = 0 for dx, 1 for dy
//	place  = (2x+1)·Cells·2¹⁶ ÷ 2W: the cell, and t as its 16 binary places
//	weight = the four of t, (2¹⁶−t)³, 4·2⁴⁸ − 6·2¹⁶·t² + 3·t³, the same of 2¹⁶−t, and t³, all ÷ 6·2³²
//	dx     = (Σ over i of weight(x)·((Σ over j of weight(y)·knot)>>16))>>16
//
// mix is the step of SplitMix64. In 28×28 pixels four cells are about as smooth as the Gaussian of
// σ = 4 pixels that P. Simard, D. Steinkraus and J. Platt smooth random moves by ("Best Practices
// for Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR 2003).
type Elastic struct {
	Seed  uint64
	Reach int64 // 0: nothing is bent
	Cells int
}

// elasticCells is how many cells the grid has along each side, unless Augment says it.
const elasticCells = 4

// drawElastic draws how a picture is bent.
func (g *augmenter) drawElastic() Elastic {
	reach := math.Round(g.Elastic * float64(min(g.height, g.width)) * 65536)
	return Elastic{Seed: g.rng.Uint64(), Reach: int64(reach), Cells: g.ElasticCells}
}

// knots writes the numbers at the knots of both axes.
func (e Elastic) knots(dx, dy []int64) {
	for n := range dx {
		dx[n], dy[n] = e.knot(2*n), e.knot(2*n+1)
	}
}

func (e Elastic) knot(n int) int64 {
	return int64((mix(e.Seed+uint64(n))>>40)*uint64(2*e.Reach+1)>>24) - e.Reach
}

// splinePlace is where a pixel lies along one axis of the grid.
type splinePlace struct {
	cell    int
	weights [4]int64 // of the knots from that number on
}

// splinePlaces is where each of so many pixels lies.
func splinePlaces(pixels, cells int) []splinePlace {
	places := make([]splinePlace, pixels)
	for x := range places {
		at := int64(2*x+1) * int64(cells) << 16 / int64(2*pixels)
		t := at & (1<<16 - 1)
		u := 1<<16 - t
		const unit = 6 << 32
		places[x] = splinePlace{cell: int(at >> 16), weights: [4]int64{
			u * u * u / unit,
			(4<<48 - 6<<16*t*t + 3*t*t*t) / unit,
			(4<<48 - 6<<16*u*u + 3*u*u*u) / unit,
			t * t * t / unit,
		}}
	}
	return places
}

// bender bends pictures of one size. It belongs to one goroutine.
type bender struct {
	size
	side          int // knots along each side
	columns, rows []splinePlace
	knots, line   [2][]int64 // of dx and dy; line is the sums over a row's knots
	u, v          []int64    // the places of a row's pixels in the stored picture
}

func newBender(s size, cells int) *bender {
	b := &bender{size: s, side: cells + 3, columns: splinePlaces(s.width, cells), rows: splinePlaces(s.height, cells)}
	for axis := range b.knots {
		b.knots[axis], b.line[axis] = make([]int64, b.side*b.side), make([]int64, b.side)
	}
	b.u, b.v = make([]int64, s.width), make([]int64, s.width)
	return b
}

// warp is the bilinear warp of m after e has moved the places.
func (b *bender) warp(dst, src []byte, from size, channels int, m affine, e Elastic) {
	e.knots(b.knots[0], b.knots[1])
	plane, given := b.height*b.width, from.height*from.width
	for y := range b.height {
		b.row(y, m)
		for c := range channels {
			row, stored := dst[c*plane+y*b.width:][:b.width], src[c*given:(c+1)*given]
			for x := range row {
				warpRow(row[x:x+1], stored, from, b.u[x], b.v[x], 0, 0)
			}
		}
	}
}

// row computes the places of row y.
func (b *bender) row(y int, m affine) {
	at := b.rows[y]
	for axis, knots := range b.knots {
		knots = knots[at.cell*b.side:]
		for i := range b.line[axis] {
			b.line[axis][i] = weightedSum(at.weights, knots[i], knots[b.side+i], knots[2*b.side+i], knots[3*b.side+i])
		}
	}
	u, v := m.rowStart(y)
	ax, bx, ay, by := fixed(m.a), fixed(m.b), fixed(m.d), fixed(m.e)
	for x, at := range b.columns {
		p, q := b.line[0][at.cell:at.cell+4], b.line[1][at.cell:at.cell+4]
		dx, dy := weightedSum(at.weights, p[0], p[1], p[2], p[3]), weightedSum(at.weights, q[0], q[1], q[2], q[3])
		b.u[x], b.v[x] = u+(ax*dx+bx*dy)>>16, v+(ay*dx+by*dy)>>16
		u, v = u+ax, v+ay
	}
}

// weightedSum is the sum of four numbers times their weights.
func weightedSum(w [4]int64, p0, p1, p2, p3 int64) int64 {
	return (w[0]*p0 + w[1]*p1 + w[2]*p2 + w[3]*p3) >> 16
}
