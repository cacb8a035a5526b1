package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// powersTask is the short way of pairPowers: band by band of rows, then what each row has of earlier bands.
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
