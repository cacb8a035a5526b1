package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(pairPowers, func(s spec.PairPowers) func(out, in [][]float64) {
		_, distances := distancesOf(s.Distance)
		return newPlainPowers(s, distances).run
	})
}

// pairPowers makes each distance of a batch with itself once, and while it is in the cache its power, which serves
// both its rows. That needs to know beforehand where all exponents lie: see exponents. What it leaves in the output
// (N, N) for the gradient (powersPull) stands there as halves say:
//
//   - of a negative pair its power, or −d, d being its distance, if the rows are close (loops.IsClose);
//   - of a positive pair its distance;
//   - 0 on the diagonal, but for a mark at its beginning: noneClose or someClose.
//
// Where exponents may lie too far apart, where rows or labels are not finite and where a class has more than few rows, it does
// what the kernels of Distance, RowReduce and RowTerms do one after the other.
func pairPowers(s spec.PairPowers) func(out, in [][]float32) {
	single, _ := distancesOf(s.Distance)
	plain, t := newPlainPowers(s, single), newPowersTask(s)
	return func(out, in [][]float32) {
		if !t.begin(out, in) {
			plain.run(out, in)
			return
		}
		t.run()
	}
}

// The marks at the beginning of what pairPowers leaves, where distances have a number that is not negative: whether
// there are negative pairs of close rows.
const (
	noneClose = -1
	someClose = -2
)

// plainPowers makes distances and sums one after the other.
type plainPowers[T loops.Float] struct {
	distances func(out []T, in [][]T)
	sums      []func(out, in [][]T)
	outputs   []int
	in, out   [][]T
	unread    []T // stands for the first output of a sum if nobody reads that
}

func newPlainPowers[T loops.Float](s spec.PairPowers, distances func(out []T, in [][]T)) *plainPowers[T] {
	p := &plainPowers[T]{distances: distances}
	for _, part := range s.Sums {
		if part.Kind == spec.TermsPart {
			p.sums = append(p.sums, rowTerms[T](spec.RowTerms(part.Terms)))
		} else {
			p.sums = append(p.sums, rowReduce[T](spec.RowReduce(part.Reduce)))
		}
		p.outputs = append(p.outputs, part.Sums())
	}
	p.unread = make([]T, s.N)
	return p
}

func (p *plainPowers[T]) run(out, in [][]T) {
	p.distances(out[0], in[:1])
	p.in = append(p.in[:0], out[0], in[1])
	rest := out[1:]
	for i, sum := range p.sums {
		p.out = append(p.out[:0], rest[:p.outputs[i]]...)
		if p.out[0] == nil {
			p.out[0] = p.unread
		}
		sum(p.out, p.in)
		rest = rest[p.outputs[i]:]
	}
	clear(p.in)
	clear(p.out)
}

// exponents are those of powers e^(K·d − at) where all distances lie between two bounds, which are known.
type exponents struct{ k, at float32 }

// widestExponents is how far exponents may lie apart: e^±60 and the gradients of sums of such powers are numbers of
// float32 with all their digits.
const widestExponents = 120

// exponentsOf reports whether exponents K·d of distances between low and high are near enough to each other.
func exponentsOf(k, low, high float64) (e exponents, near bool) {
	return exponents{float32(k), float32(k * (low + high) / 2)}, math.Abs(k)*(high-low) <= widestExponents
}

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

// powersTask is the short way of pairPowers.
type powersTask struct {
	s        spec.PairPowers
	halves   halves
	rows     *centred // of squares, the rows as they are of products
	x        []float32
	labels   *classes[float32]
	pos, neg exponents
	packed   loops.Packed[float32]
	out      []float32
	sums     []float64 // of each row, of the powers of its negative pairs in its band's columns
	columns  []float32 // of each band and column beyond its own, of the powers in the band's rows
	results  []powerSum
	scratch  []*powersScratch
}

// powerSum is a part with its outputs.
type powerSum struct {
	spec.Part
	outputs int
	to      reductions[float32]
	terms   termOutputs[float32]
}

// powersScratch is a worker's memory.
type powersScratch struct {
	rows     []float32 // of a band, weightPitch apart
	columns  []int32   // of the positive pairs of a row
	d        []float32 // their distances
	close    []int32   // columns of close negative pairs
	closeD   []float32
	anyClose bool // in any row of the run
}

func newPowersTask(s spec.PairPowers) *powersTask {
	t := &powersTask{s: s, halves: halves{s.N}, rows: newCentred(s.N, s.D), labels: newClasses[float32](s.N), sums: make([]float64, s.N)}
	t.columns = make([]float32, t.halves.bands()*s.N)
	for _, p := range s.Sums {
		t.results = append(t.results, powerSum{Part: p, outputs: p.Sums()})
	}
	return t
}

// begin takes inputs and outputs, and reports whether there is a short way.
func (t *powersTask) begin(out, in [][]float32) bool {
	t.out, t.x = out[0], in[0]
	t.labels.list(in[1])
	if first := in[1][t.labels.order[0]]; !t.labels.few || first != first || !t.bound() { // a label that is NaN would come first
		t.out, t.x = nil, nil
		return false
	}
	rest := out[1:]
	for i := range t.results {
		p := &t.results[i]
		if own := rest[:p.outputs]; p.Kind == spec.TermsPart {
			p.terms = termsIn(own)
		} else {
			p.to = reductionsIn(own)
		}
		rest = rest[p.outputs:]
	}
	return true
}

// bound finds where the exponents lie, and reports whether that is near enough to each other.
func (t *powersTask) bound() bool {
	squared := t.s.Metric == spec.SquaredEuclidean
	if squared {
		t.rows.setMean(t.x)
	} else {
		clear(t.rows.shift)
	}
	t.rows.move(t.x)
	longest := 0.0
	for _, n := range t.rows.norms {
		longest = max(longest, float64(n)) // a NaN stays
	}
	low, high := -longest, longest
	if squared {
		low, high = 0, 4*longest
	}
	for _, p := range t.s.Sums {
		if p.Kind == spec.TermsPart {
			continue
		}
		e, near := exponentsOf(p.Reduce.K, low, high)
		if !near { // or not a number
			return false
		}
		if p.Reduce.Mask.Pairs == spec.Positive {
			t.pos = e
		} else {
			t.neg = e
		}
	}
	return longest < math.MaxFloat32
}

func (t *powersTask) run() {
	t.packed.PackTransposed(t.s.D, t.s.N, t.rows.x, t.s.D)
	for len(t.scratch) < loops.Threads() {
		t.scratch = append(t.scratch, newPowersScratch(t.s.N))
	}
	loops.DoAtMost(len(t.scratch), t.halves.bands(), t)
	loops.DoAtMost(len(t.scratch), t.halves.bands(), (*powersSums)(t))
	t.out[0] = noneClose
	for _, w := range t.scratch {
		if w.anyClose {
			t.out[0], w.anyClose = someClose, false
		}
	}
	t.out, t.x = nil, nil
	for i := range t.results {
		t.results[i].to, t.results[i].terms = reductions[float32]{}, termOutputs[float32]{}
	}
}

func newPowersScratch(n int) *powersScratch {
	row := func() []float32 { return make([]float32, n) }
	return &powersScratch{rows: make([]float32, gradientRows*weightPitch(n)), d: row(), closeD: row(), columns: make([]int32, 0, n), close: make([]int32, 0, n)}
}

// Piece makes the rows of a band.
func (t *powersTask) Piece(band, worker int) {
	n, d, w, pitch := t.s.N, t.s.D, t.scratch[worker], weightPitch(t.s.N)
	from, to := t.halves.band(band)
	t.packed.GemmFrom(from, to-from, 1, t.rows.x[from*d:], d, 0, w.rows, pitch)
	beyond := t.columns[band*n+to : (band+1)*n]
	clear(beyond)
	for r := from; r < to; r++ {
		row := w.rows[(r-from)*pitch+from:][:n-from]
		t.distances(w, row, r, from)
		loops.ExpWhere(row, row, t.labels.ones[:len(row)], t.neg.k, t.neg.at)
		row[r-from] = 0
		for _, j := range w.columns {
			row[int(j)-from] = 0
		}
		t.sums[r] = loops.Sum(row)
		loops.Add(beyond, beyond, row[to-from:])
		for k, j := range w.columns {
			row[int(j)-from] = w.d[k]
		}
		for k, j := range w.close {
			row[int(j)-from] = -max(w.closeD[k], leastDistance)
		}
		t.halves.put(t.out, row, band, r)
	}
}

// leastDistance stands for a distance of 0, whose sign tells of close rows: its square is lost in any other number.
const leastDistance = 1e-37

// distances makes those of row r of its products, and lists those of positive pairs and of close negative ones.
func (t *powersTask) distances(w *powersScratch, row []float32, r, from int) {
	c := t.labels
	w.columns, w.close = w.columns[:0], w.close[:0]
	if t.s.Metric == spec.SquaredEuclidean && loops.Apart(row, row, t.rows.norms[from:], t.rows.norms[r], true) {
		for k := loops.NextMarked(row, 0); k < len(row); k = loops.NextMarked(row, k+1) {
			j := from + k
			if j == r {
				row[k] = 0
				continue
			}
			row[k] = rowDistance(t.s.Metric, t.x[r*t.s.D:(r+1)*t.s.D], t.x[j*t.s.D:(j+1)*t.s.D])
			if c.from[j] != c.from[r] {
				w.closeD[len(w.close)] = row[k]
				w.close = append(w.close, int32(j))
			}
		}
	}
	w.anyClose = w.anyClose || len(w.close) > 0
	for _, j := range c.order[c.from[r]:c.to[r]] {
		if int(j) != r && int(j) >= from {
			w.d[len(w.columns)] = row[int(j)-from]
			w.columns = append(w.columns, j)
		}
	}
}

// powersSums adds up what the bands have made of the rows.
type powersSums powersTask

// Piece does so for the rows of a band.
func (t *powersSums) Piece(band, worker int) {
	n, c, w := t.s.N, t.labels, t.scratch[worker]
	from, to := t.halves.band(band)
	for before := range band {
		for r, sum := range t.columns[before*n:][from:to] {
			t.sums[from+r] += float64(sum)
		}
	}
	for r := from; r < to; r++ {
		d := w.d[:0]
		for _, j := range c.order[c.from[r]:c.to[r]] {
			if int(j) != r {
				d = append(d, t.halves.at(t.out, r, int(j)))
			}
		}
		powers := w.closeD[:len(d)]
		loops.ExpWhere(powers, d, c.ones[:len(d)], t.pos.k, t.pos.at)
		(*powersTask)(t).put(r, t.sums[r], loops.Sum(powers), loops.Sum(d), len(d))
	}
}

// put writes the sums of row r, of the powers of its negative and its positive pairs and of the distances of these.
func (t *powersTask) put(r int, neg, pos, distances float64, count int) {
	for i := range t.results {
		p := &t.results[i]
		switch {
		case p.Kind == spec.TermsPart:
			putAt(p.terms.sum, r, float32(distances))
			putAt(p.terms.count, r, float32(count))
		case p.Reduce.Mask.Pairs == spec.Positive:
			p.put(r, t.pos, pos)
		default:
			p.put(r, t.neg, neg)
		}
	}
}

// put writes a sum of powers, as RowReduce has it.
func (p *powerSum) put(r int, e exponents, total float64) {
	value := float32(p.Reduce.Empty)
	if total > 0 {
		value = float32(float64(e.at) + math.Log(total))
	}
	putAt(p.to.value, r, value)
	putAt(p.to.at, r, e.at)
	putAt(p.to.total, r, float32(total))
}
