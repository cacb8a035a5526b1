package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// pairPart makes rows of g + gᵀ of a Part g. That needs no column of anything: distances
// and masks of pairs are symmetric, so an entry of gᵀ is the entry of g with the other
// row's numbers.
type pairPart interface {
	worker()                                                         // one more will call rows and row
	begin(d []float32, in [][]float32)                               // the inputs of a run
	rows(from, count, worker int)                                    // the rows that come next
	row(dst []float32, r, i, worker int, first bool, w *pullScratch) // row r, the i-th of them: dst = or, if not first, dst +=
}

func newPairPart(n int, p spec.Part) pairPart {
	switch {
	case p.Kind == spec.TermsPart:
		all := !p.Terms.Hinge && math.IsNaN(p.Terms.Low) && math.IsNaN(p.Terms.High)
		return &termsPart{n: n, s: p.Terms, all: all, up: make([]float32, n), positives: positivesOf[float32](p.Terms.Mask, n), mask: newMaskRows[float32](p.Terms.Mask, n, n)}
	case p.Kind == spec.ReducePart && p.Reduce.Op == spec.RowLogSumExp:
		return &logSumExpPart{n: n, s: p.Reduce, scale: make([]float32, n), level: newLevel(n),
			positives: positivesOf[float32](p.Reduce.Mask, n), mask: newMaskRows[float32](p.Reduce.Mask, n, n)}
	case p.Kind == spec.ReducePart:
		return &extremePart{pairList: newPairList[float32](n, n), inputs: p.Reduce.Mask.Inputs()}
	}
	return &matrixPart{n: n}
}

// put adds src to dst, or sets dst to it.
func put(dst, src []float32, first bool) {
	if first {
		copy(dst, src)
		return
	}
	loops.Add(dst, dst, src)
}

// matrixPart is a matrix in memory.
type matrixPart struct {
	n    int
	g    []float32
	back [][]float32 // some columns of g as rows, of each worker
}

func (p *matrixPart) worker() { p.back = append(p.back, make([]float32, gradientRows*p.n)) }

func (p *matrixPart) begin(_ []float32, in [][]float32) { p.g = in[0] }

func (p *matrixPart) rows(from, count, worker int) {
	loops.Transpose(p.back[worker], p.n, p.g[from:], p.n, p.n, count)
}

func (p *matrixPart) row(dst []float32, r, i, worker int, first bool, _ *pullScratch) {
	row, back := p.g[r*p.n:(r+1)*p.n], p.back[worker][i*p.n:(i+1)*p.n]
	if first {
		loops.Add(dst, row, back)
		return
	}
	loops.Add(dst, dst, row)
	loops.Add(dst, dst, back)
}

// termsPart is RowTermsGrad.
type termsPart struct {
	n         int
	s         spec.RowTermsGrad
	all       bool // every distance that the mask holds is a term
	mask      maskRows[float32]
	d         []float32
	c         float32   // what is added to K·d
	up        []float32 // the gradient of each row's terms to their distances, but for the hinge of squares
	positives *classes[float32]
}

func (p *termsPart) worker() {}

func (p *termsPart) begin(d []float32, in [][]float32) {
	k := termsFactor[float32](p.s)
	p.d = d
	rest := p.mask.begin(in)
	p.c = hingeAt(spec.RowTerms(p.s), rest)
	if p.positives != nil {
		p.positives.list(in[0])
	}
	up := rest[len(rest)-1]
	for r := range p.up {
		p.up[r] = k * up[r]
	}
}

func (p *termsPart) rows(int, int, int) {}

func (p *termsPart) row(dst []float32, r, _, _ int, first bool, w *pullScratch) {
	d := p.d[r*p.n : (r+1)*p.n]
	if c := p.positives; c != nil && c.few {
		x := c.gather(w.a, d, r)
		chooseTerms(p.s, p.c, w.b[:len(x)], x, c.ones[:len(x)], 1)
		if first {
			clear(dst)
		}
		k := 0
		for _, j := range c.order[c.from[r]:c.to[r]] {
			if int(j) != r {
				dst[j] += w.b[k] * (p.up[j] + p.up[r])
				k++
			}
		}
		return
	}
	terms := p.mask.row(r, w.mask)
	if !p.all {
		chooseTerms(p.s, p.c, w.a, d, terms, 1)
		terms = w.a
	}
	putProduct(dst, terms, p.up, 1, p.up[r], first)
}

// putProduct adds x·(k·y + c) to dst, or sets dst to it.
func putProduct(dst, x, y []float32, k, c float32, first bool) {
	if first {
		loops.MulAffine(dst, x, y, k, c)
		return
	}
	loops.AddMulAffine(dst, x, y, k, c)
}

// logSumExpPart is RowReduceGrad of RowLogSumExp.
type logSumExpPart struct {
	n         int
	s         spec.RowReduceGrad
	mask      maskRows[float32]
	d         []float32
	at, scale []float32 // of each row: the largest exponent, the factor of the powers
	level     level
	positives *classes[float32]
}

func (p *logSumExpPart) worker() {}

func (p *logSumExpPart) begin(d []float32, in [][]float32) {
	p.d = d
	p.mask.begin(in)
	if p.positives != nil {
		p.positives.list(in[0])
	}
	of := reducedRowsIn(p.s, in[1:])
	p.at = of.at
	for r, total := range of.total {
		p.scale[r] = 0
		if total != 0 {
			p.scale[r] = float32(p.s.K * float64(of.dy[r]) / float64(total))
		}
	}
	p.level.find(p.at, p.scale, of.total)
}

func (p *logSumExpPart) rows(int, int, int) {}

func (p *logSumExpPart) row(dst []float32, r, _, _ int, first bool, w *pullScratch) {
	d, k := p.d[r*p.n:(r+1)*p.n], float32(p.s.K)
	if c := p.positives; c != nil && c.few {
		p.few(dst, c, d, r, k, first, w)
		return
	}
	chosen := p.mask.row(r, w.mask)
	if p.level.is {
		loops.ExpWhere(w.b, d, chosen, k, p.at[r])
		putProduct(dst, w.b, p.level.theirs, p.level.mine[r], p.scale[r], first)
		return
	}
	loops.Affine(w.a, d, k, 0)
	loops.Sub(w.a, w.a, p.at)
	loops.Exp(w.a, w.a)
	loops.Mul(w.a, w.a, p.scale)
	loops.Where(w.a, w.a, chosen, 0) // last, as what is not chosen may be infinite
	loops.ExpWhere(w.b, d, chosen, k, p.at[r])
	loops.Axpy(w.a, p.scale[r], w.b)
	put(dst, w.a, first)
}

// few is row where few entries count.
func (p *logSumExpPart) few(dst []float32, c *classes[float32], d []float32, r int, k float32, first bool, w *pullScratch) {
	x := c.gather(w.a, d, r)
	mine, theirs := w.b[:len(x)], w.mask[:len(x)]
	loops.ExpWhere(mine, x, c.ones[:len(x)], k, p.at[r])
	loops.Affine(theirs, x, k, 0)
	rows := c.order[c.from[r]:c.to[r]]
	i := 0
	for _, j := range rows {
		if int(j) != r {
			theirs[i] -= p.at[j]
			i++
		}
	}
	loops.Exp(theirs, theirs)
	if first {
		clear(dst)
	}
	i = 0
	for _, j := range rows {
		if int(j) != r {
			dst[j] += theirs[i]*p.scale[j] + mine[i]*p.scale[r]
			i++
		}
	}
}

// extremePart is RowReduceGrad of RowMax and RowMin: a pair a row.
type extremePart struct {
	pairList[float32]
	inputs int // of the mask
}

func (p *extremePart) worker() {}

func (p *extremePart) begin(_ []float32, in [][]float32) {
	p.clear()
	p.add(in[p.inputs], in[p.inputs+1], true, true)
	p.sort()
}

func (p *extremePart) rows(int, int, int) {}

func (p *extremePart) row(dst []float32, r, _, _ int, first bool, _ *pullScratch) {
	if first {
		clear(dst)
	}
	for _, e := range p.of(r) {
		dst[e.other] += e.g
	}
}
