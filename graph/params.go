package graph

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
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
// A set has parts, which are sets too (see Sub and Join): a tensor that a part calls
// conv1.weight is backbone.conv1.weight of the whole if the part's prefix is "backbone.".
// Methods of a set take and give names as that set has them.
//
// A tensor is made at first use and filled from two things alone: the seed of the set that
// it is made in, and its name there. So neither the order of use matters nor the prefix under
// which a part stands.
//
// Many goroutines may build graphs over one Params, and run machines of these that only read
// it. What writes its numbers (a solver, batch norm in training, Restore, Load, Convert) has
// it alone.
//
// The zero value is an empty set of seed 0. A nil one has no tensors, and gives an error where
// it should make, change or store some.
type Params struct {
	mu      sync.RWMutex // of what follows; a set is locked before those that are part of it
	seed    uint64
	items   []*Param // without those of the parts
	index   map[string]*Param
	nodes   map[*gorgonia.ExprGraph]map[string]*gorgonia.Node
	streams map[*gorgonia.ExprGraph]map[string]*Random
	pushes  map[*gorgonia.ExprGraph]map[string]push
	// observers are graphs that change no state: see Observe.
	observers map[*gorgonia.ExprGraph]bool
	rates     []rate             // the last that fits a tensor counts
	own       map[string]float64 // LRScale of tensors, by LearnAt

	shapes bool   // no memory is taken
	prefix string // of the tensors' whole names
	parts  []part
}

// part is a set that is part of another one.
type part struct {
	prefix string // that the other set puts before its names
	set    *Params
}

// rate says how fast tensors of a prefix learn.
type rate struct {
	prefix string
	scale  float64
	asked  bool // of this set; else of one that it is part of
}

// Param is one named tensor.
type Param struct {
	Name   string        // whole: with the prefixes of all sets that it is part of
	Value  *tensor.Dense // contiguous, row-major; nil in a set of NewShapes
	Buffer bool          // kept, not learned
	// LRScale multiplies the solver's learning rate for this tensor, 1 at first. At 0 the
	// tensor is frozen: no solver moves it, also not by weight decay, and no gradient is made
	// for it in graphs built from then on. The trainer reads it when it is made: a change after
	// that does nothing.
	//
	// At 0, that of batch normalisation's running statistics freezes these too: a network in
	// training normalises by them and leaves them as they are, as in evaluation. Other buffers
	// do not look at it.
	LRScale float64

	local string // the name in the set that made it
	scale float64
	shape tensor.Shape
}

// Rate is the solver's learning rate for this tensor over that of the others: LRScale times
// what ScaleLR says. At 0 the tensor is frozen.
func (p *Param) Rate() float64 { return p.LRScale * p.scale }

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
func NewParams(seed uint64) *Params { return &Params{seed: seed} }

// ready makes the maps of a set that has none yet, and is locked.
func (p *Params) ready() {
	if p.index != nil {
		return
	}
	p.index, p.own = map[string]*Param{}, map[string]float64{}
	p.nodes = map[*gorgonia.ExprGraph]map[string]*gorgonia.Node{}
	p.streams, p.pushes = map[*gorgonia.ExprGraph]map[string]*Random{}, map[*gorgonia.ExprGraph]map[string]push{}
	p.observers = map[*gorgonia.ExprGraph]bool{}
}

// errNoParams is what a nil set says.
var errNoParams = errors.New("graph: the set of parameters is nil, want one of NewParams")

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
// there yet. Asking twice in one graph gives the same node. No gradient flows to one that is
// frozen (see Param.LRScale).
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
	p, name, err := p.lock(name)
	if err != nil {
		return Fail(err)
	}
	defer p.mu.Unlock()
	item, err := p.get(name, dt, init, buffer, shape)
	if err != nil {
		return Fail(err)
	}
	made := func(n *gorgonia.Node) Expr {
		if item.Rate() == 0 {
			return Data(n)
		}
		return Of(n)
	}
	if n := p.nodes[g][name]; n != nil {
		return made(n)
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
	return made(n)
}

func (p *Params) get(name string, dt tensor.Dtype, init Init, buffer bool, shape tensor.Shape) (*Param, error) {
	if name == "" {
		return nil, errors.New("graph: a parameter needs a name")
	}
	whole := p.prefix + name
	if item := p.index[name]; item != nil && p.shapes {
		if !slices.Equal(item.shape, shape) {
			return nil, errors.Errorf("graph: parameter %s has shape %v, want %v", whole, item.shape, shape)
		}
		return item, nil
	} else if item != nil {
		v := item.Value
		if !slices.Equal(v.Shape(), shape) || v.Dtype() != dt || item.Buffer != buffer {
			return nil, errors.Errorf("graph: parameter %s has shape %v of %v (buffer: %t), want %v of %v (buffer: %t)",
				whole, v.Shape(), v.Dtype(), item.Buffer, shape, dt, buffer)
		}
		return item, nil
	}
	if len(shape) == 0 {
		return nil, errors.Errorf("graph: parameter %s has shape %v, want at least one dimension", whole, shape)
	}
	const smaller = "make the layer, the embedding or the number of classes smaller"
	if err := checkShape(shape); err != nil {
		return nil, errors.Errorf("graph: parameter %s: %v; %s", whole, err, smaller)
	}
	if init == nil {
		return nil, errors.Errorf("graph: parameter %s is new and has no init", whole)
	}
	if dt != tensor.Float32 && dt != tensor.Float64 {
		return nil, errors.Errorf("graph: parameter %s: elements of type %v, want float32 or float64", whole, dt.Type)
	}
	if p.shapes {
		return p.add(&Param{local: name, Buffer: buffer, shape: shape.Clone()}), nil
	}
	if err := ram.CheckNumbers(shape.TotalSize(), 8+int(dt.Size())); err != nil { // once as float64
		return nil, errors.Errorf("graph: parameter %s of shape %v %v; %s", whole, shape, err, smaller)
	}
	h := fnv.New64a()
	io.WriteString(h, name)
	values := make([]float64, shape.TotalSize())
	init(rand.New(rand.NewPCG(p.seed, h.Sum64())), shape, values)
	v, err := dense(values, dt, shape)
	if err != nil {
		return nil, errors.Wrapf(err, "graph: parameter %s", whole)
	}
	return p.add(&Param{local: name, Value: v, Buffer: buffer}), nil
}

// add takes a new tensor into the set.
func (p *Params) add(item *Param) *Param {
	item.Name, item.LRScale = p.prefix+item.local, 1
	if own, ok := p.own[item.local]; ok {
		item.LRScale = own
	}
	item.scale = p.scaleOf(item.local)
	p.items = append(p.items, item)
	p.index[item.local] = item
	return item
}

// Convert gives all tensors elements of another type, float32 or float64. Graphs built
// before keep the old tensors: build them anew.
func (p *Params) Convert(dt tensor.Dtype) error {
	if p == nil {
		return errNoParams
	}
	if p.shapes {
		return errors.New("graph: a set of NewShapes has no elements to convert")
	}
	items := p.All()
	converted := make([]*tensor.Dense, len(items))
	for i, item := range items {
		values, err := Numbers(item.Value)
		if err != nil {
			return err
		}
		if converted[i], err = dense(values, dt, item.Value.Shape().Clone()); err != nil {
			return errors.Wrapf(err, "graph: parameter %s", item.Name)
		}
	}
	for i, item := range items {
		item.Value = converted[i]
	}
	p.forget()
	return nil
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
