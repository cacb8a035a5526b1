package onnxgraph

import (
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/onnx"
	"medusa/internal/weights"
)

// Options are what Build wants to know.
type Options struct {
	// Train builds for training: gradients flow to the parameters, and batch normalisation goes by the batch's
	// statistics, unless its running mean is frozen.
	Train bool
	// Layer is told of layers with weights, as they are made; nil for nobody.
	Layer func(name, kind string, y graph.Expr, macs float64)
}

// Build adds the network to the graph of pictures x (B, C, H, W), with parameters of params. Those that are not there yet are
// made with the numbers of the file; of a net of Decode, which has none, they are 0 until they are restored.
//
// A file that is exported for a fixed number of pictures is built for that number first: sides and shapes that differ
// then are those that hold the pictures.
func (n *Net) Build(params *graph.Params, x graph.Expr, o Options) (y graph.Expr, err error) {
	if err := n.fits(x); err != nil {
		return y, err
	}
	b := &builder{net: n, params: params, options: o, batch: x.Shape()[0], values: map[string]value{}, inner: map[string]int{}}
	defer func() {
		if b.file != nil {
			b.file.Close()
		}
	}()
	if fixed := n.batch(); fixed > 0 && fixed != b.batch {
		if b.before, err = n.shapes(x, fixed, o.Train); err != nil {
			return y, err
		}
	}
	if err := b.run(x); err != nil {
		if b.before != nil {
			err = errors.Wrapf(err, "exported for batches of exactly %d (export it with a dynamic batch axis)", n.batch())
		}
		return y, err
	}
	return b.expr(b.values[n.output])
}

// fits returns an error for pictures that the file does not take.
func (n *Net) fits(x graph.Expr) error {
	if err := x.Err(); err != nil {
		return err
	}
	s := x.Shape()
	if len(s) != 4 {
		return errors.Errorf("pictures of shape %v, want (B, C, H, W)", s)
	}
	c, h, w := n.Sizes()
	for i, want := range []int{c, h, w} {
		if want != 0 && s[1+i] != want {
			return errors.Errorf("pictures are (%d, %d, %d), and the file takes (%s, %s, %s) (channels, height, width)", s[1], s[2], s[3], sideText(c), sideText(h), sideText(w))
		}
	}
	return nil
}

// shapes are the values of all tensors for another number of pictures.
func (n *Net) shapes(x graph.Expr, batch int, train bool) (map[string]value, error) {
	s := x.Shape()
	in := gorgonia.NewTensor(gorgonia.NewGraph(), tensor.Float32, 4, gorgonia.WithName("pictures"), gorgonia.WithShape(batch, s[1], s[2], s[3]))
	b := &builder{net: n, params: graph.NewShapes(), batch: batch, values: map[string]value{}}
	return b.values, b.run(graph.Data(in))
}

// value is a tensor of the model: an expression, or a constant.
type value struct {
	e     graph.Expr
	fixed *constant // in place of e
}

// isThere reports whether an input is given.
func (v value) isThere() bool { return v.fixed != nil || v.e != (graph.Expr{}) }

func (v value) shape() []int {
	if v.fixed != nil {
		return v.fixed.shape
	}
	return v.e.Shape()
}

// builder builds one graph.
type builder struct {
	net     *Net
	params  *graph.Params
	options Options
	batch   int
	inner   map[string]int   // of tensors whose axis of pictures has other numbers before theirs: how many
	before  map[string]value // for the number of pictures that the file is exported for; nil if that is this one, or open
	values  map[string]value
	like    graph.Expr // any expression of the graph, of which constants are made
	file    *weights.Model
	folded  int   // numbers of constants that were computed
	failed  error // of reading weights
}

// run builds the network of pictures.
func (b *builder) run(x graph.Expr) error {
	b.like = x
	if b.net.channelsLast() {
		x = x.Permute(0, 2, 3, 1)
	}
	b.values[b.net.input.Name] = value{e: x}
	for name, c := range b.net.constants {
		b.values[name] = value{fixed: c}
	}
	return b.nodes()
}

// nodes builds all nodes, whose inputs are there.
func (b *builder) nodes() error {
	for _, node := range b.net.nodes {
		c, err := b.call(node)
		if err != nil {
			return errors.WithMessagef(err, "node %s (%s)", nodeName(node), node.Op)
		}
		outs, err := c.apply()
		if err == nil {
			err = b.failed
		}
		if err != nil {
			return errors.WithMessagef(err, "node %s (%s)", nodeName(node), node.Op)
		}
		for i, out := range node.Out {
			if out == "" || i >= len(outs) { // such as masks and places, which hardly anybody reads
				continue
			}
			if err := b.spend(outs[i].fixed); err != nil {
				return errors.WithMessagef(err, "node %s (%s)", nodeName(node), node.Op)
			}
			if err := b.checkBatch(out, outs[i]); err != nil {
				return errors.WithMessagef(err, "node %s (%s)", nodeName(node), node.Op)
			}
			b.values[out] = outs[i]
			c.passOn(out)
		}
	}
	return nil
}

// maxFolded is how many numbers all constants together have that are computed for one graph.
const maxFolded = 1 << 26

// spend counts a constant that was computed.
func (b *builder) spend(k *constant) error {
	if k != nil {
		b.folded += k.size()
	}
	if b.folded > maxFolded {
		return errors.Errorf("constants that it computes have more than %d numbers", maxFolded)
	}
	return nil
}

// call is a node with its inputs.
func (b *builder) call(node onnx.Node) (*call, error) {
	c := &call{builder: b, node: node}
	for _, name := range node.In {
		v, err := b.value(name)
		if err != nil {
			return nil, err
		}
		c.in = append(c.in, v)
	}
	least := operators[node.Op].least
	if len(c.in) < least {
		return nil, errors.Errorf("it has %d inputs, want at least %d: the file is damaged", len(c.in), least)
	}
	for i := range least {
		if !c.in[i].isThere() {
			return nil, errors.Errorf("its input %d is left out: the file is damaged", i+1)
		}
	}
	return c, nil
}

// apply is what a node makes.
func (c *call) apply() ([]value, error) {
	op := operators[c.node.Op]
	fixed := true
	for i, v := range c.in {
		fixed = fixed && (c.node.In[i] == "" || v.fixed != nil)
	}
	var outs []value
	var err error
	if op.fold != nil && (fixed || op.always) {
		outs, err = c.folded(op.fold)
	} else {
		outs, err = op.build(c)
	}
	for i := range outs {
		if err == nil && outs[i].fixed == nil {
			err = outs[i].e.Err()
		}
	}
	return outs, err
}

// folded computes constants of constants.
func (c *call) folded(fold func(c *call) ([]*constant, error)) ([]value, error) {
	out, err := fold(c)
	if err != nil {
		return nil, err
	}
	values := make([]value, len(out))
	for i, k := range out {
		values[i] = value{fixed: k}
	}
	return values, nil
}

// value is the tensor of a name: a parameter is made when it is first read.
func (b *builder) value(name string) (value, error) {
	if v, ok := b.values[name]; ok || name == "" {
		return v, nil
	}
	p := b.net.params[name]
	if p == nil {
		return value{}, errors.Errorf("it reads %q, an output of another node that is not supported", name)
	}
	g, dt, init := b.like.Graph(), b.like.Dtype(), b.initial(p)
	var e graph.Expr
	if p.buffer {
		e = b.params.Buffer(g, name, dt, init, p.shape...)
	} else if e = b.params.Weight(g, name, dt, init, p.shape...); !b.options.Train {
		e = e.Detach()
	}
	v := value{e: e}
	b.values[name] = v
	return v, e.Err()
}

// initial fills a parameter with the numbers of the file.
func (b *builder) initial(p *param) graph.Init {
	return func(_ *rand.Rand, _ tensor.Shape, dst []float64) {
		if b.net.path == "" {
			return
		}
		values, err := b.stored(p)
		if err != nil {
			b.failed = err
			return
		}
		for i, v := range values {
			dst[i] = float64(v)
		}
	}
}

// stored reads the numbers of a parameter.
func (b *builder) stored(p *param) ([]float32, error) {
	if b.file == nil {
		f, err := weights.OpenModel(b.net.path)
		if err != nil {
			return nil, err
		}
		b.file = f
	}
	t := b.file.Lookup(p.name)
	if t == nil {
		t = b.inNode(p.name)
	}
	if t == nil || !slices.Equal(t.Shape, p.shape) {
		return nil, errors.Errorf("the file %s was changed while it was used: it has no tensor %q of shape %v any more", b.net.path, p.name, p.shape)
	}
	values, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	return values, checkFinite(p.name, values)
}

// inNode finds a tensor that a node Constant holds.
func (b *builder) inNode(name string) *weights.Tensor {
	for _, node := range b.file.Nodes {
		if node.Op == "Constant" && first(node.Out) == name {
			t, _ := attribute(node, "value").(*weights.Tensor)
			return t
		}
	}
	return nil
}

// expr is a value as an expression.
func (b *builder) expr(v value) (graph.Expr, error) {
	if v.fixed == nil {
		return v.e, v.e.Err()
	}
	e := b.constant(v.fixed, v.fixed.shape)
	return e, e.Err()
}

// constant is a constant as an expression, in a shape of as many numbers.
func (b *builder) constant(c *constant, shape []int) graph.Expr {
	if len(shape) == 0 {
		shape = []int{1}
	}
	return b.like.Values(c.float64s(), shape...)
}
