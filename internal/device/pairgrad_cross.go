package device

import "medusa/internal/device/cpu"

// crossPairGrad is productPairGrad where no row of gᵀ is known from a row of g: of two sets of
// rows, and of masks that are not symmetric. Rows of weights w = g/d, or 2·g for squares, are
// made a chunk at a time; x_i gets Σ over j of w_ij·(x_i − y_j), y_j gets Σ over i of
// w_ij·(y_j − x_i), added up chunk by chunk. For Dot they get w·y and wᵀ·x.
func crossPairGrad(s PairGrad) func(out []float32, in [][]float32) {
	t := newCrossTask(s)
	return func(out []float32, in [][]float32) {
		t.begin(out, in)
		for from := 0; from < s.N; from += gradientRows {
			t.chunk(from, min(gradientRows, s.N-from))
		}
		t.end()
	}
}

// crossTask makes the weights of a chunk's rows, in parallel.
type crossTask struct {
	s          PairGrad
	toX, toY   bool // with Self both
	cx, cy     *centred
	makers     []rowMaker[float32] // empty for a matrix in memory
	matrices   [][]float32         // that matrix
	x, y, d    []float32
	out        []float32
	from, rows int       // of the chunk
	g, weights []float32 // rows of the chunk
	flags      []float32 // −1 at close pairs
	close      [gradientRows]bool
	none       []float32
	scratch    []*crossScratch

	back    []float32   // Σ over i of w_ij·x_i; the output itself where that is of y alone
	part    []float32   // Σ over a chunk of w_ij
	totals  []float64   // Σ over i of w_ij
	near    [][]float64 // of close pairs, of the rows that have had any: most of many rows never do
	columns func(lo, hi int)
	finish  func(lo, hi int)
}

// crossScratch is a worker's memory.
type crossScratch struct {
	rows, part []float32
	sum        []float64
}

func newCrossTask(s PairGrad) *crossTask {
	n, m := s.N, s.M
	t := &crossTask{s: s, toX: !s.ToY, toY: s.ToY || s.Self, none: make([]float32, m), matrices: make([][]float32, len(s.Parts))}
	chunk := min(gradientRows, n) * m
	t.g, t.weights = make([]float32, chunk), make([]float32, chunk)
	for _, p := range s.Parts {
		t.makers = append(t.makers, rowsOf[float32](p))
	}
	if s.Metric != Dot {
		t.flags = make([]float32, chunk)
		t.cx = newCentred(n, s.D)
		t.cy = t.cx
		if !s.Self {
			t.cy = newCentred(m, s.D)
			t.cy.shift = t.cx.shift
		}
	}
	if t.toY {
		t.part, t.totals, t.near = make([]float32, m), make([]float64, m), make([][]float64, m)
		if t.toX {
			t.back = make([]float32, m*s.D)
		}
		t.columns, t.finish = t.addColumns, t.finishColumns
	}
	return t
}

func (t *crossTask) begin(out []float32, in [][]float32) {
	s := t.s
	var rest [][]float32
	t.x, t.y, t.d, rest = pairInputs(s, in)
	t.out = out
	if s.Metric != Dot {
		t.cx.setMean(t.x)
		t.cx.move(t.x)
		if !s.Self {
			t.cy.move(t.y)
		}
	}
	for i, p := range s.Parts {
		own := rest[:p.Inputs()]
		rest = rest[p.Inputs():]
		if t.makers[i].row == nil {
			t.matrices[i] = own[0]
			continue
		}
		t.makers[i].begin(t.d, own)
	}
	for len(t.scratch) < cpu.Threads() {
		t.scratch = append(t.scratch, &crossScratch{rows: make([]float32, 2*s.M), part: make([]float32, s.M), sum: make([]float64, s.D)})
	}
	if t.toY && !t.toX {
		t.back = out
	}
	for _, row := range t.near {
		clear(row)
	}
	clear(t.totals)
}

// chunk adds what some rows of g say.
func (t *crossTask) chunk(from, rows int) {
	m, d := t.s.M, t.s.D
	t.from, t.rows = from, rows
	cpu.DoAtMost(len(t.scratch), rows, t)
	x, y, sign := t.x, t.y, float32(1)
	if t.s.Metric != Dot {
		x, y, sign = t.cx.x, t.cy.x, -1
	}
	if t.toX {
		keep := float32(0)
		if t.s.Metric != Dot {
			keep = 1
		}
		cpu.Gemm(false, false, rows, d, m, sign, t.weights, m, y, d, keep, t.out[from*d:], d)
	}
	if !t.toY {
		return
	}
	keep := float32(1)
	if from == 0 {
		keep = 0
	}
	cpu.Gemm(true, false, m, d, rows, 1, t.weights, m, x[from*d:], d, keep, t.back, d)
	if t.s.Metric != Dot {
		cpu.Parallel(m, rowGrain(rows), t.columns)
	}
}

// Piece makes a row of the chunk's weights, and what the row of x gets beside the product.
func (t *crossTask) Piece(i, worker int) {
	w, m, d := t.scratch[worker], t.s.M, t.s.D
	r := t.from + i
	g, weights := t.g[i*m:(i+1)*m], t.weights[i*m:(i+1)*m]
	if t.s.Metric == Dot {
		g = weights
	}
	for k, maker := range t.makers {
		dst := g
		if k > 0 {
			dst = w.part
		}
		if maker.row == nil {
			put(g, t.matrices[k][r*m:(r+1)*m], k == 0)
			continue
		}
		maker.row(dst, r, w.rows)
		if k > 0 {
			cpu.Add(g, g, dst)
		}
	}
	if t.s.Metric == Dot {
		return
	}
	flags := t.flags[i*m : (i+1)*m]
	t.close[i] = cpu.Pull(weights, flags, g, t.none, t.d[r*m:(r+1)*m], t.cy.norms, t.cx.norms[r], t.s.Metric == SquaredEuclidean)
	if !t.toX {
		return
	}
	clear(w.sum)
	if t.close[i] {
		for j := cpu.NextMarked(flags, 0); j < m; j = cpu.NextMarked(flags, j+1) {
			if g[j] != 0 {
				addDistanceGrad(t.s.Metric, w.sum, t.x[r*d:(r+1)*d], t.y[j*d:(j+1)*d], float64(t.d[r*m+j]), float64(g[j]), false)
			}
		}
	}
	total := cpu.Sum(weights)
	for k, v := range t.cx.x[r*d : (r+1)*d] {
		t.out[r*d+k] = float32(total*float64(v) + w.sum[k])
	}
}

// addColumns adds the chunk's rows to the sums of some columns.
func (t *crossTask) addColumns(lo, hi int) {
	m, d := t.s.M, t.s.D
	part := t.part[lo:hi]
	clear(part)
	for i := range t.rows {
		cpu.Add(part, part, t.weights[i*m+lo:i*m+hi])
	}
	for j, v := range part {
		t.totals[lo+j] += float64(v)
	}
	for i := range t.rows {
		if !t.close[i] {
			continue
		}
		r := t.from + i
		flags, g := t.flags[i*m+lo:i*m+hi], t.g[i*m+lo:i*m+hi]
		for k := cpu.NextMarked(flags, 0); k < len(flags); k = cpu.NextMarked(flags, k+1) {
			if j := lo + k; g[k] != 0 {
				addDistanceGrad(t.s.Metric, t.nearOf(j), t.x[r*d:(r+1)*d], t.y[j*d:(j+1)*d], float64(t.d[r*m+j]), float64(g[k]), true)
			}
		}
	}
}

// nearOf is what close pairs add to row j.
func (t *crossTask) nearOf(j int) []float64 {
	if t.near[j] == nil {
		t.near[j] = make([]float64, t.s.D)
	}
	return t.near[j]
}

// end gives the rows of y what they get.
func (t *crossTask) end() {
	if t.toY {
		cpu.Parallel(t.s.M, rowGrain(4*t.s.D), t.finish)
	}
	t.x, t.y, t.d, t.out = nil, nil, nil, nil
	if !t.toX {
		t.back = nil
	}
}

func (t *crossTask) finishColumns(lo, hi int) {
	d := t.s.D
	for j := lo; j < hi; j++ {
		out, back := t.out[j*d:(j+1)*d], t.back[j*d:(j+1)*d]
		if t.s.Metric == Dot {
			if t.toX {
				cpu.Add(out, out, back)
			}
			continue
		}
		y, near := t.cy.x[j*d:(j+1)*d], t.near[j]
		for k, v := range back {
			sum := t.totals[j]*float64(y[k]) - float64(v)
			if near != nil {
				sum += near[k]
			}
			g := float32(sum)
			if t.toX {
				g += out[k]
			}
			out[k] = g
		}
	}
}
