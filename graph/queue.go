package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Queue is a memory of the last rows that a graph's runs put into it, first in, first out: two
// buffers of Params, which a checkpoint has and a step that is not made leaves as they were.
type Queue struct {
	set            *Params // that the buffers are of, or of a part of it
	name           string  // in set
	rows, position Expr
}

// push is what a graph puts into a queue.
type push struct {
	x      *gorgonia.Node
	before Expr
}

// Queue is the memory name, of a shape (M, …), at first as init has it, for rows of g. The
// buffer name.position is where the next row goes. Several queues that are pushed together stay
// in step: embeddings (M, E), their labels (M), and ones (M) into a queue of zeros, which
// then is the mask of the slots that were ever filled.
func (p *Params) Queue(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, init Init, shape ...int) Queue {
	q := Queue{set: p, name: name, rows: p.Buffer(g, name, dt, init, shape...)}
	if q.rows.Err() == nil && shape[0] > 1<<spec.LabelBits {
		q.rows = Fail(errors.Errorf("graph: queue %s of %d rows, want at most %d", name, shape[0], 1<<spec.LabelBits))
	}
	q.position = p.Buffer(g, name+".position", dt, Fill(0), 1)
	return q
}

// Push puts the rows of x (B, …) into the queue, B at most M, in place of its oldest. It gives
// the queue as it was before the run, so that nobody finds this batch in it. No gradient flows
// through. A graph pushes once to a queue: the same x again is the same push, another is an
// error.
func (q Queue) Push(x Expr) Expr {
	if err := firstError(x, q.rows, q.position); err != nil {
		return Fail(err)
	}
	s, m := x.Shape(), q.rows.Shape()
	if len(s) != len(m) || s[0] > m[0] || !slices.Equal(s[1:], m[1:]) {
		return Fail(errors.Errorf("graph: rows of shape %v for queue %s of shape %v, want at most as many rows, of one shape", s, q.name, m))
	}
	g := q.rows.Graph()
	set, name, err := q.set.lock(q.name)
	if err != nil {
		return Fail(err)
	}
	defer set.mu.Unlock()
	if set.observers[g] {
		return q.rows
	}
	if known, ok := set.pushes[g][name]; ok {
		if known.x != x.n {
			return Fail(errors.Errorf("graph: the graph pushes to queue %s twice; join what it pushes", q.name))
		}
		return known.before
	}
	what := spec.Enqueue{Rows: s[0], Cols: tensor.Shape(s[1:]).TotalSize(), Slots: m[0]}
	if len(s) == 1 {
		what.Cols = 1
	}
	before := applyStateful(what, m, nil, x.Detach(), q.rows, q.position)
	if set.pushes[g] == nil {
		set.pushes[g] = map[string]push{}
	}
	set.pushes[g][name] = push{x.n, before}
	return before
}

// Observe makes g one that reads the state of random sources, counters and queues as it is, and
// changes none. It is called before the graph is built.
func (p *Params) Observe(g *gorgonia.ExprGraph) {
	for _, q := range p.sets() {
		q.mu.Lock()
		q.ready()
		q.observers[g] = true
		q.mu.Unlock()
	}
}

// Used lists the tensors that g uses, in the order of All.
func (p *Params) Used(g *gorgonia.ExprGraph) []*Param {
	var out []*Param
	for _, q := range p.sets() {
		q.mu.RLock()
		for _, item := range q.items {
			if q.nodes[g][item.local] != nil {
				out = append(out, item)
			}
		}
		q.mu.RUnlock()
	}
	return out
}
