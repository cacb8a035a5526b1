package trainer

import (
	"strconv"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/field"
	"medusa/losses"
	"medusa/machine"
	"medusa/nets"
	"medusa/optim"
)

// chunks makes the gradients of a batch with the memory of a part of it. The loss compares all
// pictures of the batch, so that it cannot be taken apart; the network can, which sees one picture
// at a time. So the network embeds one part after the other, the loss is made once of all
// embeddings, and the network goes over the parts again, to take the loss's gradient to the
// embeddings back to its weights, and adds these up.
//
// The sum is that of the batch as a whole, but for rounding, where each picture is embedded by
// itself. Batch normalisation is not so: each part is normalised by its own pictures, and its
// running statistics move once for each part. Dropout draws the same numbers in both passes.
//
// L. Gao, Y. Zhang, J. Han and J. Callan, "Scaling Deep Contrastive Learning Batch Size under
// Memory Limited Setup", RepL4NLP 2021 (GradCache).
type chunks struct {
	parts    int
	dev      *machine.Device
	forward  pass       // the network alone
	features []*feature // those that the loss reads
	embedded []*feature // these and the embeddings, which are also looked at
	loss     gorgonia.VM
	backward pass         // the network, and the gradients to its weights
	before   [][]float32  // gradients to the network's tensors, of the parts before this one: inputs of the backward pass
	carry    func() error // makes the gradients with this part those before the next one

	remember, restore func() error // of what a pass of the network changes
	seen              [][]float32  // of that
}

// pass is a graph of the network over a part of the batch.
type pass struct {
	pictures []float32 // of the part
	vm       gorgonia.VM
}

// feature is one of the outputs of a network, such as the embeddings, with width numbers a picture.
type feature struct {
	of    func(*nets.Net) **gorgonia.Node
	width int
	part  *graph.Kept // of the part embedded last
	all   []float32   // of the batch: input of the loss
	grad  *graph.Kept // the loss's, of the batch
	given []float32   // the part of grad that is taken back: input of the backward pass
}

// featuresOf are those that a network has.
func featuresOf(net nets.Net) []*feature {
	var out []*feature
	for _, of := range []func(*nets.Net) **gorgonia.Node{
		func(n *nets.Net) **gorgonia.Node { return &n.Embedding },
		func(n *nets.Net) **gorgonia.Node { return &n.Raw },
		func(n *nets.Net) **gorgonia.Node { return &n.Trunk },
	} {
		if n := *of(&net); n != nil {
			out = append(out, &feature{of: of, width: n.Shape()[1]})
		}
	}
	return out
}

// newChunkedGraph is newTrainGraph of a batch that is computed in parts.
func newChunkedGraph(of subject, params *graph.Params, batch, parts int, dev *machine.Device, parse parseLoss) (s *trainGraph, loss losses.Loss, err error) {
	rows := batch / parts
	c := &chunks{parts: parts, dev: dev}
	s = &trainGraph{dev: dev, chunks: c}
	s.x = make([]float32, batch*of.size())
	g := gorgonia.NewGraph()
	net, err := c.forward.build(g, of, params, rows)
	if err != nil {
		return nil, nil, err
	}
	if loss, err = s.makeLoss(net, params, parse); err != nil {
		return nil, nil, err
	}
	lossGraph, err := c.buildLoss(s, featuresOf(net), loss, params, batch)
	if err != nil {
		return nil, nil, err
	}
	own := s.learned
	s.learned = nil
	s.graphs = append(s.graphs, g, lossGraph)
	for _, f := range c.embedded {
		if f.part, err = graph.Keep(*f.of(&net)); err != nil {
			return nil, nil, err
		}
	}
	back, err := c.buildBackward(s, of, params, rows)
	if err != nil {
		return nil, nil, err
	}
	s.graphs = append(s.graphs, back)
	if s.learned = append(s.learned, own...); len(s.learned) == 0 {
		return nil, nil, errNothingLearned
	}
	for _, m := range []struct {
		g  *gorgonia.ExprGraph
		vm *gorgonia.VM
	}{{g, &c.forward.vm}, {lossGraph, &c.loss}, {back, &c.backward.vm}} {
		if *m.vm, err = machine.On(m.g, dev, params); err != nil {
			s.close()
			return nil, nil, err
		}
	}
	if err := c.prepareRestore(params); err != nil {
		s.close()
		return nil, nil, err
	}
	return s, loss, nil
}

// build adds the network over so many pictures to g.
func (p *pass) build(g *gorgonia.ExprGraph, of subject, params *graph.Params, rows int) (nets.Net, error) {
	x, pictures := of.input(g, rows)
	p.pictures = pictures
	return of.build(params, x)
}

// buildLoss makes the graph of the loss over the whole batch, with its gradients to the features
// that it reads and to its own weights.
func (c *chunks) buildLoss(s *trainGraph, all []*feature, loss losses.Loss, params *graph.Params, batch int) (*gorgonia.ExprGraph, error) {
	g := gorgonia.NewGraph()
	y, labels := graph.Input(g, "labels", batch)
	s.y = labels
	nodes := make([]*gorgonia.Node, len(all))
	var net nets.Net
	for i, f := range all {
		nodes[i], f.all = graph.Input(g, "features "+strconv.Itoa(i), batch, f.width)
		*f.of(&net) = nodes[i]
	}
	cost, err := lossNode(loss, net, y)
	if err != nil {
		return nil, err
	}
	read := graph.Reads(cost)
	items, wrt := params.Learned(g)
	if err := optim.CheckRead(cost, items, wrt); err != nil {
		return nil, inTrainersWords(err)
	}
	for i, f := range all {
		if read[nodes[i]] {
			c.features = append(c.features, f)
			wrt = append(wrt, nodes[i])
		}
		if read[nodes[i]] || nodes[i] == net.Embedding {
			c.embedded = append(c.embedded, f)
		}
	}
	if len(c.features) == 0 {
		return nil, errors.New("trainer: the loss depends on nothing that the network makes")
	}
	grads, err := gorgonia.Grad(cost, wrt...)
	if err != nil {
		return nil, errors.Wrap(err, "trainer: the loss is not differentiable to what the network makes")
	}
	if s.learned, err = optim.Tensors(items, grads[:len(items)]); err != nil {
		return nil, inTrainersWords(err)
	}
	for i, f := range c.features {
		if f.grad, err = graph.Keep(grads[len(items)+i]); err != nil {
			return nil, errors.Wrap(err, "trainer: gradient to the embeddings")
		}
	}
	if s.loss, err = graph.Keep(cost); err != nil {
		return nil, err
	}
	s.embed, err = graph.Keep(net.Embedding)
	return g, err
}

// buildBackward makes the graph of the network over a part of the batch. It takes the loss's gradient
// to the features back to the weights, and adds the result to that of the parts before.
func (c *chunks) buildBackward(s *trainGraph, of subject, params *graph.Params, rows int) (*gorgonia.ExprGraph, error) {
	g := gorgonia.NewGraph()
	net, err := c.backward.build(g, of, params, rows)
	if err != nil {
		return nil, err
	}
	var total graph.Expr // its gradient is that of the loss
	for i, f := range c.features {
		given, memory := graph.Input(g, "gradient "+strconv.Itoa(i), rows, f.width)
		f.given = memory
		term := graph.Of(*f.of(&net)).Mul(graph.Data(given)).Sum()
		if i > 0 {
			term = total.Add(term)
		}
		total = term
	}
	cost, err := total.Node()
	if err != nil {
		return nil, err
	}
	items, nodes := params.Learned(g)
	if err := optim.CheckRead(cost, items, nodes); err != nil {
		return nil, inTrainersWords(err)
	}
	if len(nodes) == 0 {
		return g, nil
	}
	grads, err := gorgonia.Grad(cost, nodes...)
	if err != nil {
		return nil, errors.Wrap(err, "trainer: the network is not differentiable to its weights")
	}
	var with []*graph.Kept
	for i, item := range items {
		before, memory := graph.Input(g, "sum "+item.Name, item.Shape()...)
		sum, err := graph.Data(before).Add(graph.Data(grads[i])).Node()
		var t []optim.Tensor
		if err == nil {
			t, err = optim.Tensors(items[i:i+1], gorgonia.Nodes{sum})
		}
		if err != nil {
			return nil, errors.Wrapf(err, "trainer: gradient to %s", item.Name)
		}
		s.learned = append(s.learned, t...)
		c.before, with = append(c.before, memory), append(with, t[0].Grad)
	}
	c.carry = c.dev.KeptCopier(c.before, with)
	return g, nil
}

// prepareRestore prepares to put back what a pass of the network changes: the state of dropout and the
// running statistics of batch normalisation.
func (c *chunks) prepareRestore(params *graph.Params) error {
	var live [][]float32
	for _, prefix := range []string{nets.BackbonePrefix, nets.EmbeddingPrefix} {
		for _, item := range params.Under(prefix) {
			if item.Buffer {
				live = append(live, item.Value.Float32s())
			}
		}
	}
	for _, x := range live {
		c.seen = append(c.seen, make([]float32, len(x)))
	}
	var err error
	c.remember, err = c.dev.Copier(c.seen, live)
	if err == nil {
		c.restore, err = c.dev.Copier(live, c.seen)
	}
	return err
}

// run computes loss and gradients of the batch in s.x and s.y.
func (c *chunks) run(s *trainGraph) error {
	if err := c.remember(); err != nil {
		return err
	}
	for part := range c.parts {
		if err := c.forward.run(s.x, part); err != nil {
			return err
		}
		for _, f := range c.embedded {
			copy(share(f.all, part, c.parts), f.part.Float32s())
			if err := f.part.Err(); err != nil {
				return err
			}
		}
	}
	// The second pass is the first once more: it draws the same numbers, and moves the statistics.
	if err := c.restore(); err != nil {
		return err
	}
	c.loss.Reset()
	if err := c.loss.RunAll(); err != nil {
		return err
	}
	return c.goBack(s)
}

// goBack takes the loss's gradient back to the network's weights.
func (c *chunks) goBack(s *trainGraph) error {
	grads := make([][]float32, len(c.features))
	for i, f := range c.features {
		grads[i] = f.grad.Float32s()
		if err := f.grad.Err(); err != nil {
			return err
		}
	}
	if err := c.dev.Clear(c.before...); err != nil {
		return err
	}
	for part := range c.parts {
		for i, f := range c.features {
			copy(f.given, share(grads[i], part, c.parts))
		}
		if err := c.backward.run(s.x, part); err != nil {
			return err
		}
		if part == c.parts-1 {
			return nil // the solver takes the whole sums from where they are
		}
		if err := c.carry(); err != nil {
			return err
		}
	}
	return nil
}

// share is one part of a batch.
func share(x []float32, part, parts int) []float32 {
	n := len(x) / parts
	return x[part*n : (part+1)*n]
}

// run is the pass over one part of the batch's pictures.
func (p *pass) run(x []float32, part int) error {
	n := len(p.pictures)
	copy(p.pictures, x[part*n:(part+1)*n])
	p.vm.Reset()
	return p.vm.RunAll()
}

func (c *chunks) close() (err error) {
	for _, vm := range []gorgonia.VM{c.forward.vm, c.loss, c.backward.vm} {
		if vm == nil {
			continue
		}
		if e := vm.Close(); err == nil {
			err = e
		}
	}
	return err
}

// checkParts refuses batches that cannot be computed in so many parts.
func checkParts(batch, parts int) error {
	if parts < 1 || batch%parts == 0 && parts <= batch {
		return nil
	}
	return field.Errorf("trainer", "", "%s is %d, but a batch has %d pictures, which are not so many parts of one size: want a divisor of %d",
		field.Name("Accumulate"), parts, batch, batch)
}
