package trainer

import (
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/losses"
	"medusa/machine"
	"medusa/nets"
	"medusa/pairs"
)

// step is the graph of training: one batch in, loss and gradients out.
type step struct {
	x, y  []float32 // pictures (B, C, H, W) and labels (B), filled for every run
	loss  *graph.Kept
	embed *graph.Kept // (B, E)
	size  int         // E
	trunk int         // F; 0 if there is no trunk
	slots []*slot     // the network's, then the loss's
	dev   *machine.Device
	vm    gorgonia.VM
	// chunks computes the batch in parts; nil if it is computed at once.
	chunks *chunks
}

// parseLoss makes the loss of embeddings and a trunk of these sizes.
type parseLoss func(embedding, trunk int) (losses.Loss, error)

// newStep builds network, loss and gradients over params, which dev holds from then on; the
// loss's own parameters become part of them. The batch is computed in so many parts, which divide
// it.
func newStep(cfg nets.Config, params *graph.Params, batch, parts int, dev *machine.Device, parse parseLoss) (s *step, loss losses.Loss, err error) {
	defer graph.Guard("building the network and the loss", &err)
	parts = max(parts, 1)
	if err := afford(cfg, batch/parts, dev.Name() == "cpu"); err != nil {
		return nil, nil, err
	}
	if parts > 1 {
		return newChunkedStep(cfg, params, batch, parts, dev, parse)
	}
	s = &step{dev: dev}
	g := gorgonia.NewGraph()
	x, pictures := input(g, "pictures", batch, cfg.InChannels, cfg.Height, cfg.Width)
	y, labels := input(g, "labels", batch)
	s.x, s.y = pictures, labels
	net, err := nets.Build(cfg, params, x, nets.Train)
	if err != nil {
		return nil, nil, err
	}
	s.size = net.Embedding.Shape()[1]
	if net.Trunk != nil {
		s.trunk = net.Trunk.Shape()[1]
	}
	if loss, err = parse(s.size, s.trunk); err != nil {
		return nil, nil, err
	}
	if err := joinLoss(params, loss); err != nil {
		return nil, nil, err
	}
	cost, err := lossNode(loss, net, y)
	if err != nil {
		return nil, nil, err
	}
	if err := s.gradients(g, cost, params); err != nil {
		return nil, nil, err
	}
	if s.loss, err = graph.Keep(cost); err != nil {
		return nil, nil, err
	}
	if s.embed, err = graph.Keep(net.Embedding); err != nil {
		return nil, nil, err
	}
	if s.vm, err = machine.On(g, dev, params); err != nil {
		return nil, nil, err
	}
	return s, loss, nil
}

// joinLoss makes the loss's own parameters part of params.
func joinLoss(params *graph.Params, loss losses.Loss) error {
	own := losses.ParamsOf(loss)
	if own == nil {
		return nil
	}
	return errors.Wrapf(params.Join(lossPrefix, own), "trainer: the parameters of the loss %T", loss)
}

// lossNode is the loss of what a network makes of a batch.
func lossNode(loss losses.Loss, net nets.Net, y *gorgonia.Node) (*gorgonia.Node, error) {
	b := pairs.Of(net.Embedding, y)
	if net.Raw != nil {
		b.Raw = graph.Of(net.Raw)
	}
	if net.Trunk != nil {
		b.Trunk = graph.Of(net.Trunk)
	}
	return losses.BuildOn(loss, b)
}

var errNothingLearned = errors.New("trainer: there is nothing to learn: the network has no parameters, or all are frozen")

// lossPrefix begins the names of the loss's own parameters.
const lossPrefix = "loss."

// gradients adds the gradients to all learned tensors, and a slot for each.
func (s *step) gradients(g *gorgonia.ExprGraph, cost *gorgonia.Node, params *graph.Params) error {
	if err := checkScales(params); err != nil {
		return err
	}
	items, nodes := params.Learned(g)
	if len(nodes) == 0 {
		return errNothingLearned
	}
	for _, item := range items {
		s.slots = append(s.slots, newSlot(item))
	}
	if err := checkRead(cost, items, nodes); err != nil {
		return err
	}
	grads, err := gorgonia.Grad(cost, nodes...)
	if err != nil {
		return errors.Wrap(err, "trainer: the loss is not differentiable to the weights")
	}
	for i, n := range grads {
		if s.slots[i].grad, err = graph.Keep(n); err != nil {
			return errors.Wrapf(err, "trainer: gradient to %s", s.slots[i].name)
		}
	}
	return nil
}

// checkScales refuses learning rates that no tensor can have.
func checkScales(params *graph.Params) error {
	for _, item := range params.All() {
		if r := item.Rate(); !finite(r) || r < 0 {
			return errors.Errorf("trainer: the learning-rate scale of %s is %v, want a number of at least 0", item.Name, r)
		}
	}
	return nil
}

// newSlot is the slot of a tensor, without its gradient.
func newSlot(item *graph.Param) *slot {
	return &slot{name: item.Name, shape: item.Value.Shape().Clone(), w: item.Value.Float32s(), rate: item.Rate()}
}

// checkRead refuses tensors to learn that cost does not depend on.
func checkRead(cost *gorgonia.Node, items []*graph.Param, nodes gorgonia.Nodes) error {
	if unread := unread(cost, items, nodes); len(unread) > 0 {
		return errors.Errorf("trainer: the loss does not depend on %s, which cannot be learned by it: "+
			"join it with a loss that does, such as triplet, or freeze them by a factor of 0 in LRScales", strings.Join(unread, ", "))
	}
	return nil
}

// ownSlots are those of the loss's own parameters.
func (s *step) ownSlots() []*slot {
	return slices.DeleteFunc(slices.Clone(s.slots), func(t *slot) bool { return !strings.HasPrefix(t.name, lossPrefix) })
}

// run computes loss and gradients of the batch in x and y.
func (s *step) run() (err error) {
	defer graph.Guard("running a training step", &err)
	if s.chunks != nil {
		return errors.Wrap(s.chunks.run(s), "trainer: training step")
	}
	s.vm.Reset()
	return errors.Wrap(s.vm.RunAll(), "trainer: training step")
}

func (s *step) close() error {
	if s.chunks != nil {
		return s.chunks.close()
	}
	return s.vm.Close()
}

// unread are the names of the items whose nodes cost does not depend on.
func unread(cost *gorgonia.Node, items []*graph.Param, nodes gorgonia.Nodes) (names []string) {
	read := dependencies(cost)
	for i, n := range nodes {
		if !read[n] {
			names = append(names, items[i].Name)
		}
	}
	return names
}

// dependencies are the nodes that n is made of, n among them.
func dependencies(n *gorgonia.Node) map[*gorgonia.Node]bool {
	seen := map[*gorgonia.Node]bool{n: true}
	for next := (gorgonia.Nodes{n}); len(next) > 0; {
		last := next[len(next)-1]
		next = next[:len(next)-1]
		for in := last.Graph().From(last.ID()); in.Next(); {
			if input := in.Node().(*gorgonia.Node); !seen[input] {
				seen[input] = true
				next = append(next, input)
			}
		}
	}
	return seen
}
