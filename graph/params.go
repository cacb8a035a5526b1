package graph

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/ram"
)

// Params is an ordered set of named tensors: the weights that are learned, and buffers
// such as running statistics that are kept but not learned. Several graphs share one
// Params: a step of the solver is seen by all of them at once.
//
// A tensor is made at first use and filled from (seed, name) alone, so the order of use
// does not matter. Many goroutines may build graphs over one Params, and run machines of these
// that only read it. What writes its numbers (a solver, batch norm in training, Restore, Load,
// Convert) has it alone.
type Params struct {
	mu    sync.RWMutex // of what follows; a set is locked before those that are part of it
	seed  uint64
	items []*Param
	index map[string]*Param
	nodes map[*gorgonia.ExprGraph]map[string]*gorgonia.Node

	shapes bool      // no memory is taken
	prefix string    // of the tensors' names, from Join
	joined []*Params // sets that are part of this one
}

// Param is one named tensor.
type Param struct {
	Name   string
	Value  *tensor.Dense // contiguous, row-major; nil in a set of NewShapes
	Buffer bool          // kept, not learned
	// LRScale multiplies the solver's learning rate for this tensor; 0 is 1. The trainer
	// reads it when it is made: a change after that does nothing.
	LRScale float64

	shape tensor.Shape
}

// Shape is the tensor's shape.
func (p *Param) Shape() tensor.Shape {
	if p.Value != nil {
		return p.Value.Shape()
	}
	return p.shape
}

// Init fills the elements of a new tensor of the given shape.
type Init func(rng *rand.Rand, shape tensor.Shape, dst []float64)

// NewParams makes an empty set whose tensors are filled from seed.
func NewParams(seed uint64) *Params {
	return &Params{seed: seed, index: map[string]*Param{}, nodes: map[*gorgonia.ExprGraph]map[string]*gorgonia.Node{}}
}

// NewShapes makes an empty set whose tensors have a shape, but no memory, however large: its
// graphs tell what a network would be like, and do not run.
func NewShapes() *Params {
	p := NewParams(0)
	p.shapes = true
	return p
}

// Fill is an Init with one value.
func Fill(v float64) Init {
	return func(_ *rand.Rand, _ tensor.Shape, dst []float64) {
		for i := range dst {
			dst[i] = v
		}
	}
}

// Weight is the learned tensor name as a node of g; it is made with init if it is not
// there yet. Asking twice in one graph gives the same node.
func (p *Params) Weight(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, init Init, shape ...int) Expr {
	return p.node(g, name, dt, init, false, shape)
}

// Buffer is the tensor name, kept but not learned, as a node of g through which no
// gradient flows; it is made with init if it is not there yet. An op such as BatchNorm
// writes into its memory, which all graphs share.
func (p *Params) Buffer(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, init Init, shape ...int) Expr {
	return p.node(g, name, dt, init, true, shape).Detach()
}

func (p *Params) node(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, init Init, buffer bool, shape tensor.Shape) Expr {
	if g == nil {
		return Fail(errors.Errorf("graph: parameter %s: the graph is nil", name))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	item, err := p.get(name, dt, init, buffer, shape)
	if err != nil {
		return Fail(err)
	}
	if n := p.nodes[g][name]; n != nil {
		return Of(n)
	}
	options := []gorgonia.NodeConsOpt{gorgonia.WithShape(shape...), gorgonia.WithName(item.Name)}
	var header *tensor.Dense
	if !p.shapes {
		// A header of its own over the shared memory: two machines over one header race.
		if header, err = alias(item.Value); err != nil {
			return Fail(errors.Wrapf(err, "graph: parameter %s", name))
		}
		options = append(options, gorgonia.WithValue(header))
	}
	n := gorgonia.NewTensor(g, dt, len(shape), options...)
	if !p.shapes && n.Value() != gorgonia.Value(header) { // Gorgonia merges inputs of one name and shape
		return Fail(errors.Errorf("graph: parameter %s: the graph has another input of that name and shape; name one of them otherwise", name))
	}
	if p.nodes[g] == nil {
		p.nodes[g] = map[string]*gorgonia.Node{}
	}
	p.nodes[g][name] = n
	return Of(n)
}

func (p *Params) get(name string, dt tensor.Dtype, init Init, buffer bool, shape tensor.Shape) (*Param, error) {
	if name == "" {
		return nil, errors.New("graph: a parameter needs a name")
	}
	if item := p.index[name]; item != nil && p.shapes {
		if !slices.Equal(item.shape, shape) {
			return nil, errors.Errorf("graph: parameter %s has shape %v, want %v", name, item.shape, shape)
		}
		return item, nil
	} else if item != nil {
		v := item.Value
		if !slices.Equal(v.Shape(), shape) || v.Dtype() != dt || item.Buffer != buffer {
			return nil, errors.Errorf("graph: parameter %s has shape %v of %v (buffer: %t), want %v of %v (buffer: %t)",
				name, v.Shape(), v.Dtype(), item.Buffer, shape, dt, buffer)
		}
		return item, nil
	}
	if len(shape) == 0 {
		return nil, errors.Errorf("graph: parameter %s has shape %v, want at least one dimension", name, shape)
	}
	const smaller = "make the layer, the embedding or the number of classes smaller"
	if err := checkShape(shape); err != nil {
		return nil, errors.Errorf("graph: parameter %s: %v; %s", name, err, smaller)
	}
	if init == nil {
		return nil, errors.Errorf("graph: parameter %s is new and has no init", name)
	}
	if p.shapes {
		item := &Param{Name: p.prefix + name, Buffer: buffer, shape: shape.Clone()}
		p.items = append(p.items, item)
		p.index[name] = item
		return item, nil
	}
	if err := ram.CheckNumbers(shape.TotalSize(), 8+int(dt.Size())); err != nil { // once as float64
		return nil, errors.Errorf("graph: parameter %s of shape %v %v; %s", name, shape, err, smaller)
	}
	h := fnv.New64a()
	io.WriteString(h, name)
	values := make([]float64, shape.TotalSize())
	init(rand.New(rand.NewPCG(p.seed, h.Sum64())), shape, values)
	v, err := dense(values, dt, shape)
	if err != nil {
		return nil, errors.Wrapf(err, "graph: parameter %s", name)
	}
	item := &Param{Name: p.prefix + name, Value: v, Buffer: buffer}
	p.items = append(p.items, item)
	p.index[name] = item
	return item, nil
}

// Join makes the tensors of other, now and later, part of p too, their names after the
// prefix. Other must not be part of another set, nor p of other.
func (p *Params) Join(prefix string, other *Params) error {
	unusable := errors.Errorf("graph: cannot join parameters as %q: they are nil, this set itself, or joined already", prefix)
	if other == nil || other == p {
		return unusable
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	other.mu.Lock()
	defer other.mu.Unlock()
	if other.prefix != "" || slices.Contains(p.joined, other) {
		return unusable
	}
	if prefix == "" || slices.ContainsFunc(p.joined, func(q *Params) bool { return q.prefix == prefix }) {
		return errors.Errorf("graph: cannot join parameters as %q: the prefix is empty or taken", prefix)
	}
	for _, nodes := range other.nodes {
		if len(nodes) > 0 {
			return errors.Errorf("graph: cannot join parameters as %q: a graph uses them by their old names", prefix)
		}
	}
	for _, item := range other.items {
		item.Name = prefix + item.Name
	}
	other.prefix = prefix
	p.joined = append(p.joined, other)
	return nil
}

// All lists the tensors in the order of their first use, those of joined sets last.
func (p *Params) All() []*Param {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if len(p.joined) == 0 {
		return slices.Clip(p.items)
	}
	all := slices.Clone(p.items)
	for _, q := range p.joined {
		all = append(all, q.All()...)
	}
	return all
}

// Lookup finds a tensor by the name that p gives it; nil if there is none.
func (p *Params) Lookup(name string) *Param {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if item := p.index[name]; item != nil {
		return item
	}
	for _, q := range p.joined {
		if local, ok := strings.CutPrefix(name, q.prefix); ok {
			return q.Lookup(local)
		}
	}
	return nil
}

// Forget drops what the set knows of g, which otherwise stays in memory with the set.
func (p *Params) Forget(g *gorgonia.ExprGraph) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.nodes, g)
	for _, q := range p.joined {
		q.Forget(g)
	}
}

// Learned lists the learned tensors that g uses, in the order of All, and their nodes in
// g.
func (p *Params) Learned(g *gorgonia.ExprGraph) ([]*Param, gorgonia.Nodes) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var items []*Param
	var nodes gorgonia.Nodes
	for _, item := range p.items {
		if n := p.nodes[g][strings.TrimPrefix(item.Name, p.prefix)]; n != nil && !item.Buffer {
			items = append(items, item)
			nodes = append(nodes, n)
		}
	}
	for _, q := range p.joined {
		more, nn := q.Learned(g)
		items, nodes = append(items, more...), append(nodes, nn...)
	}
	return items, nodes
}

// Convert gives all tensors elements of another type, float32 or float64. Graphs built
// before keep the old tensors: build them anew.
func (p *Params) Convert(dt tensor.Dtype) error {
	for _, item := range p.All() {
		values, err := Numbers(item.Value)
		if err != nil {
			return err
		}
		if item.Value, err = dense(values, dt, item.Value.Shape().Clone()); err != nil {
			return errors.Wrapf(err, "graph: parameter %s", item.Name)
		}
	}
	p.forget()
	return nil
}

// forget drops the nodes of all graphs.
func (p *Params) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.nodes)
	for _, q := range p.joined {
		q.forget()
	}
}

// dense makes a tensor of type dt from float64 values.
func dense(values []float64, dt tensor.Dtype, shape tensor.Shape) (*tensor.Dense, error) {
	switch dt {
	case tensor.Float64:
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values)), nil
	case tensor.Float32:
		short := make([]float32, len(values))
		for i, v := range values {
			short[i] = float32(v)
		}
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(short)), nil
	}
	return nil, errors.Errorf("elements of type %v, want float32 or float64", dt)
}

// alias is a new header over d's memory.
func alias(d *tensor.Dense) (*tensor.Dense, error) {
	switch data := d.Data().(type) {
	case []float32:
		return tensor.New(tensor.WithShape(d.Shape().Clone()...), tensor.WithBacking(data)), nil
	case []float64:
		return tensor.New(tensor.WithShape(d.Shape().Clone()...), tensor.WithBacking(data)), nil
	}
	return nil, errors.Errorf("elements of type %v, want float32 or float64", d.Dtype())
}
