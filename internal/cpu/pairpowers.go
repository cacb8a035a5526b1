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
// both its rows. That needs to know beforehand where all exponents lie: see exponents. What it leaves for the gradient
// (powersPull) in the output (N, N) stands in the columns from firstOfBand(r) on of each row r:
//
//   - of a negative pair its power, or −d, d being its distance, if the rows are close (loops.IsClose);
//   - of a positive pair its distance;
//   - 0 on the diagonal, but for the mark −1 at its beginning.
//
// Where exponents may lie too far apart, where rows are not finite and where classes have more than few rows, it does
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

// firstOfBand is the first column of row r that is made.
func firstOfBand(r int) int { return r / gradientRows * gradientRows }

// bands is how many pieces n rows make.
func bands(n int) int { return (n + gradientRows - 1) / gradientRows }

// powersTask is the short way of pairPowers.
type powersTask struct {
	s        spec.PairPowers
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
	rest     func(lo, hi int)
}

// powerSum is a part with its outputs.
type powerSum struct {
	spec.Part
	to    reductions[float32]
	terms termOutputs[float32]
}

// powersScratch is a worker's memory.
type powersScratch struct {
	columns []int32   // of the positive pairs of a row
	d       []float32 // their distances
	close   []int32   // columns of close negative pairs
	closeD  []float32
}

func newPowersTask(s spec.PairPowers) *powersTask {
	t := &powersTask{s: s, rows: newCentred(s.N, s.D), labels: newClasses[float32](s.N), sums: make([]float64, s.N), columns: make([]float32, bands(s.N)*s.N)}
	for _, p := range s.Sums {
		t.results = append(t.results, powerSum{Part: p})
	}
	return t
}

// begin takes inputs and outputs, and reports whether there is a short way.
func (t *powersTask) begin(out, in [][]float32) bool {
	t.out, t.x = out[0], in[0]
	t.labels.list(in[1])
	if !t.labels.few || !t.bound() {
		t.out, t.x = nil, nil
		return false
	}
	rest := out[1:]
	for i := range t.results {
		p := &t.results[i]
		if n := p.Sums(); p.Kind == spec.TermsPart {
			p.terms = termOutputs[float32]{sum: rest[0], count: rest[spec.TermCount]}
			rest = rest[n:]
		} else {
			p.to = reductionsIn(rest[:n])
			rest = rest[n:]
		}
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
		row := func() []float32 { return make([]float32, t.s.N) }
		t.scratch = append(t.scratch, &powersScratch{d: row(), closeD: row(), columns: make([]int32, 0, t.s.N), close: make([]int32, 0, t.s.N)})
	}
	loops.DoAtMost(len(t.scratch), bands(t.s.N), t)
	if t.rest == nil {
		t.rest = func(lo, hi int) { t.finish(lo, hi) }
	}
	t.rest(0, t.s.N)
	t.out[0] = -1
	t.out, t.x = nil, nil
	for i := range t.results {
		t.results[i].to, t.results[i].terms = reductions[float32]{}, termOutputs[float32]{}
	}
}

// Piece makes the rows of a band.
func (t *powersTask) Piece(band, worker int) {
	n, d, w := t.s.N, t.s.D, t.scratch[worker]
	from := band * gradientRows
	to := min(from+gradientRows, n)
	t.packed.GemmFrom(from, to-from, 1, t.rows.x[from*d:], d, 0, t.out[from*n:], n)
	beyond := t.columns[band*n+to : (band+1)*n]
	clear(beyond)
	for r := from; r < to; r++ {
		row := t.out[r*n+from : (r+1)*n]
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
			row[k] = rowDistance(t.s.Metric, t.x[r*t.s.D:(r+1)*t.s.D], t.x[j*t.s.D:(j+1)*t.s.D])
			if c.from[j] != c.from[r] {
				w.closeD[len(w.close)] = row[k]
				w.close = append(w.close, int32(j))
			}
		}
	}
	for _, j := range c.order[c.from[r]:c.to[r]] {
		if int(j) != r && int(j) >= from {
			w.d[len(w.columns)] = row[int(j)-from]
			w.columns = append(w.columns, j)
		}
	}
}

// finish adds up what the bands have made of some rows.
func (t *powersTask) finish(lo, hi int) {
	n, c, w := t.s.N, t.labels, t.scratch[0]
	for r := lo; r < hi; r++ {
		total := t.sums[r]
		for band := range r / gradientRows {
			total += float64(t.columns[band*n+r])
		}
		d := w.d[:0]
		for _, j := range c.order[c.from[r]:c.to[r]] {
			if int(j) != r {
				d = append(d, leftOf(t.out, n, r, int(j)))
			}
		}
		sum := loops.Sum(d)
		count := len(d)
		powers := w.closeD[:count]
		loops.ExpWhere(powers, d, c.ones[:count], t.pos.k, t.pos.at)
		t.put(r, total, loops.Sum(powers), sum, count)
	}
}

// leftOf is what pairPowers left of a pair of rows in out (n, n).
func leftOf(out []float32, n, r, j int) float32 {
	if j >= firstOfBand(r) {
		return out[r*n+j]
	}
	return out[j*n+r]
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
