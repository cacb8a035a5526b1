package gpu

import (
	"fmt"
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
)

// tile is one of the sizes in which kernels make products (tile.cuh).
type tile struct {
	side     int // results of a block, down and across
	resident int // blocks that share a multiprocessor, by their memory and registers
	// macs is how many products a clock a multiprocessor makes, all its blocks at work: of plain
	// numbers and by tensor cores. These, estimates for an A100, only weigh the sizes.
	macs, tensorMacs float64
}

var tileSizes = []tile{{32, 5, 60, 120}, {64, 3, 95, 250}, {128, 2, 110, 400}}

// depth is how much of k a block takes at a time.
func (t tile) depth(tf32 bool) int {
	switch {
	case t.side == 32:
		return 32
	case t.side == 64 || tf32:
		return 16
	}
	return 8
}

// cut is how a product is shared out: in tiles of side×side results, each in parts of k of
// length each, made by blocks of their own.
type cut struct{ side, parts, each int }

// suffix is of the kernels for the cut.
func (c cut) suffix(tf32 bool) string {
	if tf32 {
		return fmt.Sprintf("_%d_tf32", c.side)
	}
	return fmt.Sprintf("_%d", c.side)
}

// tiles is how many the cut makes of rows×cols results.
func (c cut) tiles(rows, cols int) int {
	return ((rows + c.side - 1) / c.side) * ((cols + c.side - 1) / c.side)
}

const (
	mostParts    = 256
	mostDeep     = 1<<16 - 1         // blocks of a grid, in its third direction
	mostPartSums = mostWorkspace / 4 // numbers of all parts
)

// cutProduct is the cut that should take the least time on a GPU of so many multiprocessors, for
// products of rows×cols results over k, times of them side by side. It
// weighs the work of the fullest multiprocessor, with tiles that reach beyond the ends, against
// the wait for memory at each step of a block, and parts against what it takes to add them up.
func cutProduct(rows, cols, k, times, processors int, tf32 bool) cut {
	const (
		step  = 600  // clocks between asking for a tile and its arrival
		start = 2000 // clocks of a block before the first product and after the last
		again = 3000 // clocks of one more kernel
		bytes = 20   // that a multiprocessor moves in a clock
	)
	best, least := cut{}, math.Inf(1)
	for _, t := range tileSizes {
		depth, macs := t.depth(tf32), t.macs
		if tf32 {
			macs = t.tensorMacs
		}
		steps := max(1, (k+depth-1)/depth)
		most := min(steps, mostParts, max(1, mostPartSums/max(1, rows*cols*times)), max(1, mostDeep/times))
		for parts := 1; parts <= most; parts++ {
			each := (steps + parts - 1) / parts // steps of a part
			if (steps+each-1)/each != parts {
				continue // a part would be empty
			}
			c := cut{t.side, parts, each * depth}
			blocks := (c.tiles(rows, cols)*times*parts + processors - 1) / processors // of the fullest
			work := float64(blocks) * float64(t.side*t.side) * (float64(each*depth)/macs + 8.0/bytes)
			wait := float64((blocks+t.resident-1)/t.resident) * (float64(each)*step + start)
			cost := max(work, wait)
			if parts > 1 {
				cost += again + float64(rows)*float64(cols)*float64(times)*float64(parts)*8/float64(bytes*processors)
			}
			if cost < least {
				best, least = c, cost
			}
		}
	}
	return best
}

// mostCounted is as far as the kernels count: a tile beyond stays within 32 bits.
const mostCounted = math.MaxInt32 - 1024

// counted refuses sides of a product that its kernels cannot count.
func counted(sides ...int) error {
	for _, n := range sides {
		if n > mostCounted {
			return errors.Errorf("gpu: product over %d numbers, want at most %d: cut it in pieces", n, mostCounted)
		}
	}
	return nil
}

// epilogue is what becomes of a product's sums: Σ + bias, cut at 0 with relu. bias
// is of channels of which each has plane numbers that follow each other.
type epilogue struct {
	bias            operand
	relu            bool
	channels, plane int
}

// product is a product of row-major matrices c (m, n) = op(a)·op(b).
func (b *builder) product(transA, transB bool, m, n, k int, x, y, c operand) {
	b.products(1, transA, transB, m, n, k, x, y, c)
}

// products is so many products, of matrices that follow each other.
func (b *builder) products(products int, transA, transB bool, m, n, k int, x, y, c operand) {
	lda, ldb := k, n
	if transA {
		lda = m
	}
	if transB {
		ldb = k
	}
	if b.d.blas == nil {
		for i := 0; i < products; i += mostDeep {
			b.ownProducts(min(mostDeep, products-i), transA, transB, m, n, k, x.from(i*m*k), y.from(i*k*n), c.from(i*m*n), epilogue{})
		}
		return
	}
	b.step(&gemmStep{
		g: cuda.Gemm{TransA: transA, TransB: transB, M: m, N: n, K: k, Alpha: 1,
			LDA: lda, LDB: ldb, LDC: n, StrideA: m * k, StrideB: k * n, StrideC: m * n, Batch: products},
		a: part{o: x}, b: part{o: y}, c: part{o: c},
	})
}

// ownProduct is product by kernels of ours.
func (b *builder) ownProduct(transA, transB bool, m, n, k int, x, y, c operand, e epilogue) {
	b.ownProducts(1, transA, transB, m, n, k, x, y, c, e)
}

// ownProducts is products by kernels of ours, at most mostDeep of them.
func (b *builder) ownProducts(products int, transA, transB bool, m, n, k int, x, y, c operand, e epilogue) {
	ai, ak, bk, bj := k, 1, n, 1
	if transA {
		ai, ak = 1, m
	}
	if transB {
		bk, bj = 1, k
	}
	if err := counted(m, n, k); err != nil {
		b.add(nil, err)
		return
	}
	e.channels, e.plane = n, 1
	nextA, nextB := m*k, k*n
	if products == 1 { // which may be larger than what the kernels count to
		nextA, nextB = 0, 0
	}
	how := cutProduct(m, n, k, products, b.d.processors, b.d.options.TF32)
	b.inParts(how, b.spare, products*m*n, c, e, func(to operand, e epilogue) {
		b.launchGemm(how.suffix(b.d.options.TF32), cuda.Dim{X: how.tiles(m, n), Z: how.parts * products},
			m, n, k, x, ai, ak, nextA, y, bk, bj, nextB, e.bias, e.relu, products, how.each, to)
	})
}

// inParts makes the n results of a cut product in y: body launches what writes results to an
// operand, and parts after one another. Parts lie in the workspace from at on.
func (b *builder) inParts(how cut, at, n int, y operand, e epilogue, body func(to operand, e epilogue)) {
	if how.parts == 1 {
		body(y, e)
		return
	}
	b.work(at + how.parts*n)
	body(work(at), epilogue{})
	b.launchSumParts(flat(n), n, how.parts, divisor(e.channels), divisor(e.plane), e.bias, e.relu, work(at), y)
}
