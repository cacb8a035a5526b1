package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// chainPlan is in which order the steps of a chain make a row, and which of them make all of it, few of its entries,
// or both.
type chainPlan[T loops.Float] struct {
	ops     []chainOp[T]
	buffers int // how many a worker needs
	value   int // where the result stands
}

// chainOp makes a value of a worker of others.
type chainOp[T loops.Float] struct {
	in     []int
	out    int
	do     chainWork[T]
	few    bool // few entries
	alias  bool // out is what in is
	buffer int
}

// planned makes whole rows or, with few, the few entries of them. With sparse, steps that are 0 but at few entries make
// these alone.
func (c *chainRows[T]) planned(sparse, few bool) chainPlan[T] {
	p := chainPlanner[T]{chainRows: c, sparse: sparse, whole: make([]bool, len(c.leaves)+len(c.steps)), few: make([]bool, len(c.leaves)+len(c.steps))}
	p.find(few)
	p.order()
	p.plan.value = c.value
	if few {
		p.plan.value = p.fewOf(c.value)
	}
	p.assign()
	return p.plan
}

// chainPlanner makes a plan: whole and few tell in which form each leaf or step is read.
type chainPlanner[T loops.Float] struct {
	*chainRows[T]
	sparse     bool
	whole, few []bool
	plan       chainPlan[T]
}

// fewOf is where the few entries of a value stand.
func (p *chainPlanner[T]) fewOf(v int) int { return v + len(p.leaves) + len(p.steps) }

// isFew reports whether v is made of few entries alone.
func (p *chainPlanner[T]) isFew(v int) bool {
	return p.sparse && p.isFewStep(v)
}

// find finds what is read, from the result backwards.
func (p *chainPlanner[T]) find(few bool) {
	p.whole[p.value], p.few[p.value] = !few, few
	for i := len(p.steps) - 1; i >= 0; i-- {
		v, step := len(p.leaves)+i, p.steps[i]
		if !p.whole[v] && !p.few[v] {
			continue
		}
		switch {
		case p.isFew(v):
			p.few[v] = true
		case step.wholeRow:
			p.whole[v] = true
		}
		for k, in := range step.in {
			if p.whole[v] && !p.isFew(v) && !p.addsFew(step, k) {
				p.whole[in] = true
			} else {
				p.few[in] = true
			}
		}
	}
}

// addsFew reports whether a step adds its k-th input to a row where it is not 0.
func (p *chainPlanner[T]) addsFew(step chainStep[T], k int) bool {
	switch {
	case step.adds == 0 || !p.isFew(step.in[k]) || p.outside(step.in[k]) != 0:
		return false
	case k == 0:
		return step.adds > 0 && !p.isFew(step.in[1])
	}
	return true
}

// order makes the work.
func (p *chainPlanner[T]) order() {
	for v, l := range p.leaves {
		if p.few[v] {
			p.gather(v, l != spec.MatrixLeaf && l != spec.RowLeaf)
		}
	}
	for i, step := range p.steps {
		v := len(p.leaves) + i
		switch {
		case p.isFew(v) && p.few[v]:
			p.addFew(v, step)
			if p.whole[v] {
				p.scatter(v)
			}
		case p.whole[v]:
			p.addWhole(v, step)
			if p.few[v] {
				p.gather(v, false)
			}
		case p.few[v]:
			p.addFew(v, step)
		}
	}
}

func (p *chainPlanner[T]) add(o chainOp[T]) { p.plan.ops = append(p.plan.ops, o) }

// gather makes few entries of a whole row; what stands for all of a row stands for them, too.
func (p *chainPlanner[T]) gather(v int, same bool) {
	p.add(chainOp[T]{in: []int{v}, out: p.fewOf(v), few: true, alias: same, do: func(dst []T, in []chainValue[T], _ int, w *chainWorker[T]) {
		columnsOf(dst, in[0].x, w.columns)
	}})
}

// scatter makes a whole row of few entries.
func (p *chainPlanner[T]) scatter(v int) {
	outside := p.outside(v)
	p.add(chainOp[T]{in: []int{p.fewOf(v)}, out: v, do: func(dst []T, in []chainValue[T], _ int, w *chainWorker[T]) {
		if outside == 0 {
			clear(dst)
		} else {
			fill(dst, outside)
		}
		for k, j := range w.columns {
			dst[j] = in[0].x[k]
		}
	}})
}

// addFew makes few entries of a step.
func (p *chainPlanner[T]) addFew(v int, step chainStep[T]) {
	in := make([]int, len(step.in))
	for k, from := range step.in {
		in[k] = p.fewOf(from)
	}
	p.add(chainOp[T]{in: in, out: p.fewOf(v), few: true, do: step.do})
}

// addWhole makes a whole row of a step.
func (p *chainPlanner[T]) addWhole(v int, step chainStep[T]) {
	for k, from := range step.in {
		if p.addsFew(step, k) {
			sign := T(step.adds)
			p.add(chainOp[T]{in: []int{step.in[1-k], p.fewOf(from)}, out: v, do: func(dst []T, in []chainValue[T], _ int, w *chainWorker[T]) {
				copy(dst, in[0].x)
				for k, j := range w.columns {
					dst[j] += sign * in[1].x[k]
				}
			}})
			return
		}
	}
	p.add(chainOp[T]{in: step.in, out: v, do: step.do})
}

// assign gives each value a buffer that no later work reads anything else of.
func (p *chainPlanner[T]) assign() {
	last := make([]int, 2*(len(p.leaves)+len(p.steps))) // the last that reads it
	for i, o := range p.plan.ops {
		last[o.out] = i
		for _, v := range o.in {
			last[v] = i
		}
	}
	last[p.plan.value] = len(p.plan.ops)
	var free []int
	for i := range p.plan.ops {
		o := &p.plan.ops[i]
		if o.alias {
			continue
		}
		if n := len(free); n > 0 {
			o.buffer, free = free[n-1], free[:n-1]
		} else {
			o.buffer = p.plan.buffers
			p.plan.buffers++
		}
		for _, made := range p.plan.ops[:i+1] {
			if !made.alias && last[made.out] == i {
				free = append(free, made.buffer)
			}
		}
	}
}

// columnsOf writes the entries of x in the columns at to dst.
func columnsOf[T loops.Float](dst, x []T, at []int32) []T {
	dst = dst[:len(at)]
	for k, j := range at {
		dst[k] = x[j]
	}
	return dst
}
