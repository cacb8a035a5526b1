package device

import "medusa/internal/device/cpu"

// chainRows makes rows of the matrix that the steps of a chain make.
type chainRows[T cpu.Float] struct {
	cols     int
	leaves   []Leaf
	in       [][]T
	begins   []func(in [][]T)
	steps    []chainStep[T]
	buffer   []int // of each step, which of the worker's buffers it writes
	count    int   // of buffers
	byColumn bool  // an entry depends on those of its own column alone, so that few can be made of a row
	value    int   // the leaf or step asked for
}

// chainStep writes a row.
type chainStep[T cpu.Float] struct {
	in []int
	do func(dst []T, in []chainValue[T], r int, w *chainWorker[T])
}

// chainValue is a row, or a number that stands for all of it.
type chainValue[T cpu.Float] struct {
	x    []T
	step int // from an entry to the next: 1, or 0 of a number
}

// chainWorker is a worker's memory.
type chainWorker[T cpu.Float] struct {
	values     []chainValue[T] // of leaves and steps
	args       []chainValue[T]
	buffers    [][]T
	mask, part []T
	at         []int32 // the columns looked at, if not all
	columns    []int32 // memory for them
}

func newChainRows[T cpu.Float](s Chain, steps []ChainStep, value int) chainRows[T] {
	c := chainRows[T]{cols: s.Cols, leaves: s.Leaves, value: value, byColumn: true}
	for _, step := range steps {
		if _, ok := step.Spec.(RowReduceGrad); ok {
			c.byColumn = false
		}
		c.steps = append(c.steps, chainStep[T]{step.In, chainStepOf(&c, s, step)})
	}
	c.assign()
	return c
}

// assign gives each step a buffer that no later step reads anything else of.
func (c *chainRows[T]) assign() {
	first := len(c.leaves)
	last := make([]int, len(c.steps)) // the last step that reads it
	for i, step := range c.steps {
		last[i] = i
		for _, v := range step.in {
			if v >= first {
				last[v-first] = i
			}
		}
	}
	if c.value >= first {
		last[c.value-first] = len(c.steps)
	}
	var free []int
	for i := range c.steps {
		if n := len(free); n > 0 {
			c.buffer, free = append(c.buffer, free[n-1]), free[:n-1]
		} else {
			c.buffer = append(c.buffer, c.count)
			c.count++
		}
		for j := range i + 1 {
			if last[j] == i {
				free = append(free, c.buffer[j])
			}
		}
	}
}

func (c *chainRows[T]) newWorker() *chainWorker[T] {
	w := &chainWorker[T]{values: make([]chainValue[T], len(c.leaves)+len(c.steps)), mask: make([]T, c.cols), part: make([]T, c.cols),
		columns: make([]int32, 0, c.cols)} // none are not all of them: never nil
	gathered := 0
	for _, l := range c.leaves {
		if l == MatrixLeaf || l == RowLeaf {
			gathered++
		}
	}
	for range c.count + gathered {
		w.buffers = append(w.buffers, make([]T, c.cols))
	}
	return w
}

func (c *chainRows[T]) begin(in [][]T) {
	c.in = append(c.in[:0], in...)
	for _, begin := range c.begins {
		begin(in)
	}
}

// beginMask hands a mask its inputs when a run begins.
func (c *chainRows[T]) beginMask(mask *maskRows[T], leaves []int) {
	in := make([][]T, len(leaves))
	c.begins = append(c.begins, func(all [][]T) {
		for i, l := range leaves {
			in[i] = all[l]
		}
		mask.begin(in)
	})
}

// row is row r, or the entries of it in the columns at, if that is not nil. The last step writes it to dst, if that is
// not nil.
func (c *chainRows[T]) row(r int, w *chainWorker[T], at []int32, dst []T) []T {
	width := c.cols
	if at != nil {
		width = len(at)
	}
	spare := c.count
	for i, l := range c.leaves {
		x := c.in[i]
		switch l {
		case ColumnLeaf:
			w.values[i] = chainValue[T]{x[r : r+1], 0}
			continue
		case SingleLeaf:
			w.values[i] = chainValue[T]{x[:1], 0}
			continue
		case WholeLeaf:
			w.values[i] = chainValue[T]{x, 1}
			continue
		case MatrixLeaf:
			x = x[r*c.cols : (r+1)*c.cols]
		}
		if at != nil {
			x = columnsOf(w.buffers[spare], x, at)
			spare++
		}
		w.values[i] = chainValue[T]{x, 1}
	}
	for i, step := range c.steps {
		w.args = w.args[:0]
		for _, v := range step.in {
			w.args = append(w.args, w.values[v])
		}
		out := w.buffers[c.buffer[i]][:width]
		if dst != nil && i == len(c.steps)-1 {
			out = dst
		}
		w.at = at
		step.do(out, w.args, r, w)
		w.values[len(c.leaves)+i] = chainValue[T]{out, 1}
	}
	return w.values[c.value].x
}

// columnsOf writes the entries of x in the columns at to dst.
func columnsOf[T cpu.Float](dst, x []T, at []int32) []T {
	dst = dst[:len(at)]
	for k, j := range at {
		dst[k] = x[j]
	}
	return dst
}

// chainStepOf is what a step does with a row.
func chainStepOf[T cpu.Float](c *chainRows[T], s Chain, step ChainStep) func(dst []T, in []chainValue[T], r int, w *chainWorker[T]) {
	switch spec := step.Spec.(type) {
	case Unary:
		f := value[T](spec)
		return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) { f(dst, in[0].x) }
	case UnaryGrad:
		return chainUnaryGrad[T](spec)
	case Binary:
		f := operator[T](spec.Op)
		return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) {
			f(dst, in[0].x, in[1].x, in[0].step, in[1].step)
		}
	case Broadcast:
		return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) {
			if in[0].step == 1 {
				copy(dst, in[0].x)
				return
			}
			v := in[0].x[0]
			for i := range dst {
				dst[i] = v
			}
		}
	case Where:
		other := T(spec.Other)
		return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) { cpu.Where(dst, in[0].x, in[1].x, other) }
	case PairMask:
		mask := newMaskRows[T](spec.Mask, s.Rows, s.Cols)
		c.beginMask(&mask, step.In)
		return func(dst []T, _ []chainValue[T], r int, w *chainWorker[T]) {
			if w.at != nil {
				columnsOf(dst, mask.row(r, w.mask), w.at)
				return
			}
			mask.write(r, dst)
		}
	case RowTermsGrad:
		return func(dst []T, in []chainValue[T], r int, _ *chainWorker[T]) {
			termsRowGrad(spec, dst, in[0].x, in[1].x, in[2].x, r)
		}
	case RowReduceGrad:
		return func(dst []T, in []chainValue[T], r int, w *chainWorker[T]) {
			mask := in[1].x
			reduceRowGrad(spec, dst, in[0].x, in[2].x, in[3].x, r, w.part, func() []T { return mask })
		}
	}
	panic("device: no step of a chain: " + Describe(step.Spec)) // a programmer's mistake in package graph
}

func chainUnaryGrad[T cpu.Float](spec UnaryGrad) func(dst []T, in []chainValue[T], r int, w *chainWorker[T]) {
	d := derivative[T](Unary(spec))
	needX, needY := spec.F.Needs()
	return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) {
		dy := in[len(in)-1].x
		x, y := dy, dy // not looked at
		if needX {
			x = in[0].x
		}
		if needY {
			y = in[len(in)-2].x
		}
		d(dst, x, y, dy)
	}
}
