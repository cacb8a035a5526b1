package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// chains are ops that others compute by themselves: of a matrix entry by entry, row by row, before their own
// work. They are postponed: no step is made of them, and their readers' steps are spec.Chains.
type chains struct {
	postponed map[*op]bool
	alone     map[*op]bool // not to be postponed: ops of Gorgonia's read them, or nobody
}

// chainLeaf is an input of an op that a chain computes.
type chainLeaf struct {
	reader *op
	input  int
}

func (l chainLeaf) node() *gorgonia.Node { return l.reader.from[l.input] }

// Chained is steps in which those are left out whose readers can all compute by themselves what they do, row by
// row: these compute it before their own work, in a spec of spec.Chain.
func Chained(steps []Step) []Step {
	c := chains{map[*op]bool{}, map[*op]bool{}}
	readers := map[*op][]*op{}
	var all []*op
	for _, s := range steps {
		o, ours := s.Node.Op().(*op)
		if ours = ours && s.Spec != nil; ours {
			all = append(all, o)
		}
		for _, in := range s.In {
			if q, ok := in.Op().(*op); ok {
				if ours {
					readers[q] = append(readers[q], o)
				} else {
					c.alone[q] = true
				}
			}
		}
	}
	for _, o := range all {
		c.postponed[o] = c.canBePostponed(o, readers[o])
	}
	var out []Step
	for _, s := range steps {
		o, ours := s.Node.Op().(*op)
		switch {
		case ours && s.Spec != nil && c.postponed[o]:
			continue
		case ours && s.Spec != nil && slices.ContainsFunc(o.from, c.isPostponed):
			s.Spec, s.In = c.chain(o)
		}
		out = append(out, s)
	}
	return out
}

func (c chains) isPostponed(n *gorgonia.Node) bool {
	q, ok := n.Op().(*op)
	return ok && c.postponed[q]
}

// canBePostponed reports whether others can do the work of o.
func (c chains) canBePostponed(o *op, readers []*op) bool {
	if o.out.Dims() != 2 || o.out[0] < 2 || o.out[1] < 2 || !spec.Chained(o.spec, o.out[0], o.out[1]) {
		return false
	}
	if c.alone[o] || o.endsSegment || len(readers) == 0 || len(readers) > 1 && o.takesLong() {
		return false
	}
	for _, in := range o.from {
		if in.Op() != nil && in.Op().Arity() > 0 {
			if _, ours := in.Op().(*op); !ours {
				return false // Gorgonia's ops may write to what they have read
			}
		}
	}
	for _, r := range readers {
		if !r.chains(o) {
			return false
		}
	}
	return true
}

// takesLong reports whether it is quicker to read the output than to compute it again.
func (o *op) takesLong() bool {
	switch s := o.spec.(type) {
	case spec.RowReduceGrad:
		return true
	case spec.PairMask:
		return len(s.Mask.Filters) > 0
	}
	s, ok := o.spec.(spec.Unary)
	if !ok {
		return false
	}
	switch s.F {
	case spec.Affine, spec.Relu, spec.Hinge, spec.Square, spec.Sqrt, spec.Clamp, spec.Step, spec.Equal:
		return false
	}
	return true
}

// chains reports whether o can compute what q does, everywhere where it reads it.
func (o *op) chains(q *op) bool {
	if !spec.Chained(o.spec, q.out[0], q.out[1]) && !spec.EndsChain(o.spec, q.out[0], q.out[1]) {
		return false
	}
	for i, in := range o.from {
		if in.Op() == gorgonia.Op(q) && !o.rowwise(i) {
			return false
		}
	}
	return true
}

// rowwise reports whether o needs a row of its i-th input at a time, and no more.
func (o *op) rowwise(i int) bool {
	switch s := o.spec.(type) {
	case spec.Where:
		return i == 0 || s.Mask.InMemory()
	case spec.RowTermsGrad, spec.RowReduceGrad, spec.RowTerms, spec.RowReduce:
		return i == 0
	case spec.PairMask: // which makes its rows of what lies in memory
		return false
	}
	return true
}

// chain is the work of an op that reads what was postponed, and what it reads then.
func (c chains) chain(o *op) (what spec.Chain, in []*gorgonia.Node) {
	b := chainBuilder{chains: c, values: map[*gorgonia.Node]int{}, masks: map[string]int{}}
	for i, n := range o.from {
		if c.isPostponed(n) {
			b.rows, b.cols = o.in[i][0], o.in[i][1]
		}
	}
	b.step(o)
	for _, l := range b.leaves {
		in = append(in, l.node())
	}
	return b.whole(), in
}

// chainBuilder puts a chain together. A step is −1 less than its number, as the number of leaves is not yet known.
type chainBuilder struct {
	chains
	rows, cols int
	leaves     []chainLeaf
	kinds      []spec.Leaf
	steps      []spec.ChainStep
	values     map[*gorgonia.Node]int
	masks      map[string]int
}

// step adds the work of o.
func (b *chainBuilder) step(o *op) int {
	if m, ok := o.spec.(spec.PairMask); ok {
		return b.mask(m.Mask, o, 0, len(o.from))
	}
	var in []int
	mask, from, to := o.maskInputs()
	for i := range o.from {
		switch {
		case i == from && mask != nil:
			in = append(in, b.mask(*mask, o, from, to))
		case i > from && i < to && mask != nil:
		case o.rowwise(i):
			in = append(in, b.value(o, i))
		default:
			in = append(in, b.leaf(o, i, spec.WholeLeaf))
		}
	}
	return b.add(spec.ChainStep{Spec: o.spec, In: in})
}

func (b *chainBuilder) add(s spec.ChainStep) int {
	b.steps = append(b.steps, s)
	return -len(b.steps)
}

// maskInputs is the mask that o reads a row at a time, and which of its inputs say it.
func (o *op) maskInputs() (m *spec.Mask, from, to int) {
	switch s := o.spec.(type) {
	case spec.Where:
		if s.Mask.InMemory() {
			return nil, 0, 0
		}
		m = &s.Mask
	case spec.RowTermsGrad:
		m = &s.Mask
	case spec.RowReduceGrad:
		m = &s.Mask
	default:
		return nil, 0, 0
	}
	return m, 1, 1 + m.Inputs()
}

// mask is the number of a mask.
func (b *chainBuilder) mask(m spec.Mask, o *op, from, to int) int {
	if m.InMemory() {
		return b.leaf(o, from, spec.MatrixLeaf)
	}
	var in []int
	for i := from; i < to; i++ {
		in = append(in, b.leaf(o, i, spec.WholeLeaf))
	}
	step := spec.ChainStep{Spec: spec.PairMask{Rows: b.rows, Cols: b.cols, Mask: m}, In: in}
	key := spec.Describe(spec.Chain{Steps: []spec.ChainStep{step}})
	if _, ok := b.masks[key]; !ok {
		b.masks[key] = b.add(step)
	}
	return b.masks[key]
}

// value is the number of input i of o, a step if it was postponed.
func (b *chainBuilder) value(o *op, i int) int {
	n := o.from[i]
	if !b.isPostponed(n) {
		return b.leaf(o, i, b.kind(o.in[i]))
	}
	if _, ok := b.values[n]; !ok {
		b.values[n] = b.step(n.Op().(*op))
	}
	return b.values[n]
}

func (b *chainBuilder) kind(s tensor.Shape) spec.Leaf {
	switch {
	case s.TotalSize() == b.rows*b.cols:
		return spec.MatrixLeaf
	case s.TotalSize() == 1:
		return spec.SingleLeaf
	case s[0] == b.rows && s.TotalSize() == b.rows:
		return spec.ColumnLeaf
	}
	return spec.RowLeaf
}

// leaf is the number of input i of o, which is in memory.
func (b *chainBuilder) leaf(o *op, i int, kind spec.Leaf) int {
	for k, l := range b.leaves {
		if l.node() == o.from[i] && b.kinds[k] == kind {
			return k
		}
	}
	b.leaves, b.kinds = append(b.leaves, chainLeaf{o, i}), append(b.kinds, kind)
	return len(b.leaves) - 1
}

// whole is the chain.
func (b *chainBuilder) whole() spec.Chain {
	for _, s := range b.steps {
		for i, v := range s.In {
			if v < 0 {
				s.In[i] = len(b.leaves) - v - 1
			}
		}
	}
	return spec.Chain{Rows: b.rows, Cols: b.cols, Leaves: b.kinds, Steps: b.steps}
}
