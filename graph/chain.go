package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// chain is what an op runs instead of its own kernel: what ops before it compute entry by entry of a matrix, row by
// row, and then its own work. These ops are postponed: they take what they read, and compute nothing.
type chain struct {
	spec   device.Chain
	leaves []chainLeaf
	args   []device.Memory
}

// chainLeaf is an input of the op that o is, or of one that it computes.
type chainLeaf struct {
	reader *op
	input  int
}

func (l chainLeaf) node() *gorgonia.Node { return l.reader.from[l.input] }

// gather is the memory of the leaves, which the ops that read them have taken in this run.
func (c *chain) gather() []device.Memory {
	c.args = c.args[:0]
	for _, l := range c.leaves {
		c.args = append(c.args, l.reader.args[l.input])
	}
	return c.args
}

// showsInput reports whether a postponed op can give back one of its inputs as its value.
func (o *op) showsInput() bool {
	return slices.ContainsFunc(o.in, func(s tensor.Shape) bool { return slices.Equal(s, o.out) })
}

// postpone takes what the op reads, and gives back any value of the output's shape, which nobody looks at.
func (o *op) postpone(inputs []gorgonia.Value) (gorgonia.Value, error) {
	if o.args == nil {
		o.args, o.loose = make([]device.Memory, len(o.in)), make([]*tensor.Dense, len(o.in))
	}
	if o.place.b32 != nil || o.place.b64 != nil {
		o.value = o.place.tensor(o.out)
	}
	for i, v := range inputs {
		mem, err := o.memory(i, v)
		if err != nil {
			return nil, err
		}
		o.args[i] = mem
		if slices.Equal(o.in[i], o.out) {
			o.value = v
		}
	}
	o.place.end(o)
	return o.value, nil
}

// reads is the nodes whose memory the op reads when it runs.
func (o *op) reads() []*gorgonia.Node {
	switch {
	case o.place.postponed:
		return nil
	case o.chain == nil:
		return o.from
	}
	nodes := make([]*gorgonia.Node, len(o.chain.leaves))
	for i, l := range o.chain.leaves {
		nodes[i] = l.node()
	}
	return nodes
}

// chain postpones the ops whose readers can all compute by themselves what they do, and gives the readers their
// chains.
func (p *plan) chain(g *gorgonia.ExprGraph) {
	readers := map[*op][]*op{}
	var all []*op
	for _, n := range g.AllNodes() {
		o, ok := n.Op().(*op)
		if !ok || o.place == nil || !o.isAt(n) {
			continue
		}
		all = append(all, o)
		for _, in := range o.from {
			if q, ok := in.Op().(*op); ok {
				readers[q] = append(readers[q], o)
			}
		}
	}
	for _, o := range all {
		o.place.postponed = o.canBePostponed(readers[o])
	}
	for _, o := range all {
		if !o.place.postponed {
			o.chain = newChain(o)
		}
	}
	for _, o := range all {
		if o.place.readers != keepOutput {
			o.place.readers = 0
		}
	}
	for _, o := range all {
		for _, in := range o.reads() {
			if q, ok := in.Op().(*op); ok && q.place != nil && q.place.readers != keepOutput {
				q.place.readers++
			}
		}
	}
}

// canBePostponed reports whether others can do the work of o.
func (o *op) canBePostponed(readers []*op) bool {
	if o.out.Dims() != 2 || o.out[0] < 2 || o.out[1] < 2 || !device.Chained(o.spec, o.out[0], o.out[1]) {
		return false
	}
	if o.place.readers == keepOutput || len(readers) == 0 || len(readers) > 1 && o.takesLong() {
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
		if r.place == nil || !r.chains(o) {
			return false
		}
	}
	return true
}

// takesLong reports whether it is quicker to read the output than to compute it again.
func (o *op) takesLong() bool {
	s, ok := o.spec.(device.Unary)
	if !ok {
		_, sums := o.spec.(device.RowReduceGrad)
		return sums
	}
	switch s.F {
	case device.Affine, device.Relu, device.Hinge, device.Square, device.Sqrt, device.Clamp, device.Step, device.Equal:
		return false
	}
	return true
}

// chains reports whether o can compute what q does, everywhere where it reads it.
func (o *op) chains(q *op) bool {
	if !device.Chained(o.spec, q.out[0], q.out[1]) && !device.EndsChain(o.spec, q.out[0], q.out[1]) {
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
	case device.Where:
		return i == 0 || s.Mask.InMemory()
	case device.RowTermsGrad, device.RowReduceGrad, device.RowTerms, device.RowReduce:
		return i == 0
	}
	return true
}

// newChain is the chain of an op that reads what was postponed, or nil.
func newChain(o *op) *chain {
	some := false
	for _, in := range o.from {
		q, ok := in.Op().(*op)
		some = some || ok && q.place != nil && q.place.postponed
	}
	if !some {
		return nil
	}
	b := chainBuilder{values: map[*gorgonia.Node]int{}, masks: map[string]int{}}
	rows, cols := 0, 0
	for i, in := range o.from {
		if q, ok := in.Op().(*op); ok && q.place != nil && q.place.postponed {
			rows, cols = o.in[i][0], o.in[i][1]
		}
	}
	b.rows, b.cols = rows, cols
	b.step(o)
	return &chain{spec: b.whole(), leaves: b.leaves}
}

// chainBuilder puts a chain together. A step is −1 less than its number, as the number of leaves is not yet known.
type chainBuilder struct {
	rows, cols int
	leaves     []chainLeaf
	kinds      []device.Leaf
	steps      []device.ChainStep
	values     map[*gorgonia.Node]int
	masks      map[string]int
}

// step adds the work of o.
func (b *chainBuilder) step(o *op) int {
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
			in = append(in, b.leaf(o, i, device.WholeLeaf))
		}
	}
	return b.add(device.ChainStep{Spec: o.spec, In: in})
}

func (b *chainBuilder) add(s device.ChainStep) int {
	b.steps = append(b.steps, s)
	return -len(b.steps)
}

// maskInputs is the mask that o reads a row at a time, and which of its inputs say it.
func (o *op) maskInputs() (m *device.Mask, from, to int) {
	switch s := o.spec.(type) {
	case device.Where:
		if s.Mask.InMemory() {
			return nil, 0, 0
		}
		m = &s.Mask
	case device.RowTermsGrad:
		m = &s.Mask
	case device.RowReduceGrad:
		m = &s.Mask
	default:
		return nil, 0, 0
	}
	return m, 1, 1 + m.Inputs()
}

// mask is the number of a mask.
func (b *chainBuilder) mask(m device.Mask, o *op, from, to int) int {
	if m.InMemory() {
		return b.leaf(o, from, device.MatrixLeaf)
	}
	var in []int
	for i := from; i < to; i++ {
		in = append(in, b.leaf(o, i, device.WholeLeaf))
	}
	step := device.ChainStep{Spec: device.PairMask{Rows: b.rows, Cols: b.cols, Mask: m}, In: in}
	key := device.Describe(device.Chain{Steps: []device.ChainStep{step}})
	if _, ok := b.masks[key]; !ok {
		b.masks[key] = b.add(step)
	}
	return b.masks[key]
}

// value is the number of input i of o, a step if it was postponed.
func (b *chainBuilder) value(o *op, i int) int {
	n := o.from[i]
	q, ok := n.Op().(*op)
	if !ok || q.place == nil || !q.place.postponed {
		return b.leaf(o, i, b.kind(o.in[i]))
	}
	if _, ok := b.values[n]; !ok {
		b.values[n] = b.step(q)
	}
	return b.values[n]
}

func (b *chainBuilder) kind(s tensor.Shape) device.Leaf {
	switch {
	case s.TotalSize() == b.rows*b.cols:
		return device.MatrixLeaf
	case s.TotalSize() == 1:
		return device.SingleLeaf
	case s[0] == b.rows && s.TotalSize() == b.rows:
		return device.ColumnLeaf
	}
	return device.RowLeaf
}

// leaf is the number of input i of o, which is in memory.
func (b *chainBuilder) leaf(o *op, i int, kind device.Leaf) int {
	for k, l := range b.leaves {
		if l.node() == o.from[i] && b.kinds[k] == kind {
			return k
		}
	}
	b.leaves, b.kinds = append(b.leaves, chainLeaf{o, i}), append(b.kinds, kind)
	return len(b.leaves) - 1
}

// whole is the chain.
func (b *chainBuilder) whole() device.Chain {
	for _, s := range b.steps {
		for i, v := range s.In {
			if v < 0 {
				s.In[i] = len(b.leaves) - v - 1
			}
		}
	}
	return device.Chain{Rows: b.rows, Cols: b.cols, Leaves: b.kinds, Steps: b.steps}
}
