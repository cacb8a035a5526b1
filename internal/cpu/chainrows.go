package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// chainRows makes rows of the matrix that the steps of a chain make.
type chainRows[T loops.Float] struct {
	cols   int
	leaves []spec.Leaf
	in     [][]T
	begins []func(in [][]T)
	steps  []chainStep[T]
	value  int // the leaf or step asked for
	labels int // the leaf whose positive pairs are the columns of few entries, −1 if no step is of them
	chosen int // the step whose mask holds them otherwise, −1 if there is none: how many they are is known row by row
	mask   *maskRows[T]

	byColumn bool // an entry depends on those of its own column alone, so that few can be made of a row
	whole    chainPlan[T]
	mixed    chainPlan[T] // whole rows, of whose parts some have few entries
	few      chainPlan[T] // few entries
}

// chainStep writes a row, or few entries of it.
type chainStep[T loops.Float] struct {
	in       []int
	do       chainWork[T]
	wholeRow bool // few entries cannot be made by themselves
	few      bool // it is the same number outside of the columns of few entries
	outside  T    // that number
	adds     int  // +1 or −1 where it is its first input ± its second one, else 0
}

// chainWork computes what a worker looks at, all of row r or few entries.
type chainWork[T loops.Float] func(dst []T, in []chainValue[T], r int, w *chainWorker[T])

// chainValue is a row, or a number that stands for all of it.
type chainValue[T loops.Float] struct {
	x    []T
	step int // from an entry to the next: 1, or 0 of a number
}

// chainWorker is a worker's memory.
type chainWorker[T loops.Float] struct {
	values     []chainValue[T] // of leaves and steps, then of their few entries
	args       []chainValue[T]
	buffers    [][]T
	mask, part []T
	few        bool    // the columns alone are looked at
	columns    []int32 // of few entries
	places     []int32 // memory for those of a mask
}

func newChainRows[T loops.Float](s spec.Chain, steps []spec.ChainStep, value, labels int) chainRows[T] {
	c := chainRows[T]{cols: s.Cols, leaves: s.Leaves, value: value, labels: labels, chosen: -1, byColumn: true}
	for _, step := range steps {
		if m, ok := step.Spec.(spec.PairMask); ok && c.labels < 0 && m.Mask.Pairs == spec.Positive && m.Mask.Symmetric() {
			c.labels = step.In[0]
		}
	}
	c.choose(s, steps)
	for _, step := range shifts(s.Leaves, steps) {
		_, sums := step.Spec.(spec.RowReduceGrad)
		few, outside := c.isFew(step)
		one := chainStep[T]{in: step.In, do: chainStepOf(&c, s, step), few: few, outside: outside, adds: c.adds(step)}
		one.wholeRow = sums && !one.few
		c.byColumn = c.byColumn && !sums
		c.steps = append(c.steps, one)
	}
	c.whole, c.mixed, c.few = c.planned(false, false), c.planned(true, false), c.planned(true, true)
	return c
}

// plan is that of whole rows, of whose parts some have few entries or none.
func (c *chainRows[T]) plan(few bool) *chainPlan[T] {
	if few {
		return &c.mixed
	}
	return &c.whole
}

// choose takes the first mask of which distances or a miner chose entries for that of few entries, if no step is of
// positive pairs.
func (c *chainRows[T]) choose(s spec.Chain, steps []spec.ChainStep) {
	for i, step := range steps {
		if m, ok := step.Spec.(spec.PairMask); ok && c.labels < 0 && len(m.Mask.Filters) > 0 {
			mask := newMaskRows[T](m.Mask, s.Rows, s.Cols)
			c.chosen, c.mask = len(c.leaves)+i, &mask
			c.beginMask(&mask, step.In)
			return
		}
	}
}

// isFew reports whether a step after those that c has is one number outside of the columns of few entries, and which.
// What is multiplied by 0 there is taken to be finite.
func (c *chainRows[T]) isFew(step spec.ChainStep) (few bool, outside T) {
	is := func(i int, outside T) bool { return c.isFewStep(step.In[i]) && c.outside(step.In[i]) == outside }
	of := func(i int) bool { return is(i, 0) }
	lowest := T(math.Inf(-1))
	switch s := step.Spec.(type) {
	case spec.PairMask:
		return len(c.leaves)+len(c.steps) == c.chosen || s.Mask.Pairs == spec.Positive && s.Mask.Symmetric() && step.In[0] == c.labels, 0
	case spec.Where:
		other := T(s.Other)
		return (other == 0 || other == lowest) && of(1) || other == 0 && of(0), other
	case spec.RowTermsGrad, spec.RowReduceGrad:
		return of(1), 0
	case spec.Unary:
		return s.F == spec.Affine && s.B == 0 && of(0) || s.F == spec.Exp && is(0, lowest), 0
	case spec.UnaryGrad:
		switch s.F {
		case spec.Affine, spec.Relu, spec.Hinge, spec.Square, spec.Sqrt, spec.Exp, spec.Sigmoid, spec.Softplus, spec.Tanh, spec.Clamp:
			return of(len(step.In) - 1), 0
		}
	case spec.Binary:
		switch s.Op {
		case spec.Mul:
			return of(0) || of(1), 0
		case spec.Add, spec.Sub:
			return of(0) && of(1), 0
		}
	}
	return false, 0
}

// isFewStep reports whether v is a step that is one number outside of the columns of few entries.
func (c *chainRows[T]) isFewStep(v int) bool {
	return v >= len(c.leaves) && c.steps[v-len(c.leaves)].few
}

// outside is that number.
func (c *chainRows[T]) outside(v int) T { return c.steps[v-len(c.leaves)].outside }

// hasFewOf finds the columns of few entries of row r in the mask that was chosen, and reports whether they are few.
func (c *chainRows[T]) hasFewOf(r int, w *chainWorker[T]) bool {
	most := c.cols / fewWeightsShare
	row := c.mask.row(r, w.mask)
	single, ok := any(row).([]float32)
	if !ok {
		w.columns = loops.Marked(w.columns[:0], row)
		return len(w.columns) <= most
	}
	count, few := loops.NonZero(w.places, single, most)
	if few {
		w.columns = append(w.columns[:0], w.places[:count]...)
	}
	return few
}

// adds is the sign of the second input of a sum or difference of matrices, 0 of other steps.
func (c *chainRows[T]) adds(step spec.ChainStep) int {
	s, ok := step.Spec.(spec.Binary)
	if !ok {
		return 0
	}
	for _, v := range step.In {
		if v < len(c.leaves) && c.leaves[v] != spec.MatrixLeaf {
			return 0
		}
	}
	switch s.Op {
	case spec.Add:
		return 1
	case spec.Sub:
		return -1
	}
	return 0
}

// positives lists the positive pairs of what the chain reads, if steps are of them.
func (c *chainRows[T]) positives() *classes[T] {
	for _, step := range c.steps {
		if step.few && c.labels >= 0 {
			return newClasses[T](c.cols)
		}
	}
	return nil
}

func (c *chainRows[T]) newWorker() *chainWorker[T] {
	w := &chainWorker[T]{values: make([]chainValue[T], 2*(len(c.leaves)+len(c.steps))), mask: make([]T, c.cols), part: make([]T, c.cols),
		columns: make([]int32, 0, c.cols), places: make([]int32, c.cols/fewWeightsShare+8)}
	for range max(c.whole.buffers, c.mixed.buffers, c.few.buffers) {
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

// hingeAt is what is added to K·x of terms that end a chain, given the leaves behind those of their mask.
func (c *chainRows[T]) hingeAt(s spec.RowTerms, leaves []int) T {
	if s.Shift == 0 {
		return T(s.C)
	}
	return hingeAt(s, [][]T{c.in[leaves[0]]})
}

// row is row r by a plan; few entries are those of the worker's columns. A whole row is written to dst by its last
// step, if dst is not nil.
func (c *chainRows[T]) row(p *chainPlan[T], r int, w *chainWorker[T], dst []T) []T {
	for i, l := range c.leaves {
		switch x := c.in[i]; l {
		case spec.ColumnLeaf:
			w.values[i] = chainValue[T]{x[r : r+1], 0}
		case spec.SingleLeaf:
			w.values[i] = chainValue[T]{x[:1], 0}
		case spec.MatrixLeaf:
			w.values[i] = chainValue[T]{x[r*c.cols : (r+1)*c.cols], 1}
		default:
			w.values[i] = chainValue[T]{x, 1}
		}
	}
	for i, o := range p.ops {
		w.args = w.args[:0]
		for _, v := range o.in {
			w.args = append(w.args, w.values[v])
		}
		if o.alias {
			w.values[o.out] = w.args[0]
			continue
		}
		width := c.cols
		if o.few {
			width = len(w.columns)
		}
		out := w.buffers[o.buffer][:width]
		if dst != nil && i == len(p.ops)-1 {
			out = dst
		}
		w.few = o.few
		o.do(out, w.args, r, w)
		w.values[o.out] = chainValue[T]{out, 1}
	}
	return w.values[p.value].x
}

// chainStepOf is what a step does with a row.
func chainStepOf[T loops.Float](c *chainRows[T], s spec.Chain, step spec.ChainStep) chainWork[T] {
	switch what := step.Spec.(type) {
	case spec.Unary:
		f := value[T](what)
		return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) { f(dst, in[0].x) }
	case spec.UnaryGrad:
		return chainUnaryGrad[T](what)
	case spec.Binary:
		f := operator[T](what.Op)
		return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) {
			f(dst, in[0].x, in[1].x, in[0].step, in[1].step)
		}
	case spec.Broadcast:
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
	case chainShift:
		return chainShiftOf[T](what)
	case spec.Where:
		other := T(what.Other)
		return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) { loops.Where(dst, in[0].x, in[1].x, other) }
	case spec.PairMask:
		mask := newMaskRows[T](what.Mask, s.Rows, s.Cols)
		c.beginMask(&mask, step.In)
		ofFew, _ := c.isFew(step)
		return func(dst []T, _ []chainValue[T], r int, w *chainWorker[T]) {
			switch {
			case !w.few:
				mask.write(r, dst)
			case ofFew:
				for i := range dst {
					dst[i] = 1
				}
			default:
				columnsOf(dst, mask.row(r, w.mask), w.columns)
			}
		}
	case spec.RowTermsGrad:
		return func(dst []T, in []chainValue[T], r int, _ *chainWorker[T]) {
			c := T(what.C)
			if what.Shift != 0 {
				c = hingeAt(spec.RowTerms(what), [][]T{in[2].x})
			}
			termsRowGrad(what, c, dst, in[0].x, in[1].x, in[len(in)-1].x, r)
		}
	case spec.RowReduceGrad:
		return func(dst []T, in []chainValue[T], r int, w *chainWorker[T]) {
			mask := in[1].x
			reduceRowGrad(what, dst, in[0].x, reducedRows[T]{in[2].x, in[3].x, in[4].x}, r, w.part, func() []T { return mask })
		}
	}
	panic("cpu: no step of a chain: " + spec.Describe(step.Spec)) // a programmer's mistake in package graph
}

func chainUnaryGrad[T loops.Float](what spec.UnaryGrad) chainWork[T] {
	d := derivative[T](spec.Unary(what))
	needX, needY := what.F.Needs()
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
