package trainer

import (
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/losses"
	"medusa/machine"
	"medusa/nets"
	"medusa/optim"
	"medusa/pairs"
)

// trainGraph is the graph of training: one batch in, loss and gradients out.
type trainGraph struct {
	x, y    []float32 // pictures (B, C, H, W) and labels (B), filled for every run
	loss    *graph.Kept
	embed   *graph.Kept    // (B, E)
	size    int            // E
	trunk   int            // F; 0 if there is no trunk
	learned []optim.Tensor // the network's, then the loss's
	graphs  []*gorgonia.ExprGraph
	dev     *machine.Device
	vm      gorgonia.VM
	// chunks computes the batch in parts; nil if it is computed at once.
	chunks *chunks
}

// parseLoss makes the loss, given the sizes of the embeddings and of the trunk.
type parseLoss func(embedding, trunk int) (losses.Loss, error)

// newTrainGraph builds network, loss and gradients over params, which dev holds from then on; the
// loss's own parameters become part of them. The batch is computed in so many parts, which divide
// it.
func newTrainGraph(of subject, params *graph.Params, batch, parts int, dev *machine.Device, parse parseLoss) (s *trainGraph, loss losses.Loss, err error) {
	defer graph.Guard("building the network and the loss", &err)
	parts = max(parts, 1)
	if err := afford(of.net, batch/parts, dev.Name() == "cpu"); err != nil {
		return nil, nil, err
	}
	if parts > 1 {
		return newChunkedGraph(of, params, batch, parts, dev, parse)
	}
	s = &trainGraph{dev: dev}
	g := gorgonia.NewGraph()
	s.graphs = append(s.graphs, g)
	x, pictures := of.input(g, batch)
	y, labels := graph.Input(g, "labels", batch)
	s.x, s.y = pictures, labels
	net, err := of.build(params, x)
	if err != nil {
		return nil, nil, err
	}
	if loss, err = s.makeLoss(net, params, parse); err != nil {
		return nil, nil, err
	}
	cost, err := lossNode(loss, net, y)
	if err != nil {
		return nil, nil, err
	}
	if err := s.learn(cost, params); err != nil {
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

// subject is what a step of training sees of a network: all of it, over pictures, or, where the backbone is frozen and its
// features are at hand, what stands behind that.
type subject struct {
	net      nets.Config
	features int // F of an item; 0 for pictures
}

// input adds the items of a batch to a graph, and gives their memory.
func (s subject) input(g *gorgonia.ExprGraph, batch int) (*gorgonia.Node, []float32) {
	if s.features > 0 {
		return graph.Input(g, "features", batch, s.features)
	}
	return graph.Input(g, "pictures", batch, s.net.InChannels, s.net.Height, s.net.Width)
}

// size is the numbers of an item.
func (s subject) size() int {
	if s.features > 0 {
		return s.features
	}
	return s.net.InChannels * s.net.Height * s.net.Width
}

func (s subject) build(params *graph.Params, x *gorgonia.Node) (nets.Net, error) {
	if s.features > 0 {
		return nets.BuildHead(s.net, params, x, nets.Train)
	}
	return nets.Build(s.net, params, x, nets.Train)
}

// makeLoss makes the loss of what a network makes, and its own parameters part of params.
func (s *trainGraph) makeLoss(net nets.Net, params *graph.Params, parse parseLoss) (losses.Loss, error) {
	s.size = net.Embedding.Shape()[1]
	if net.Trunk != nil {
		s.trunk = net.Trunk.Shape()[1]
	}
	loss, err := parse(s.size, s.trunk)
	if err != nil {
		return nil, err
	}
	if err := joinLoss(params, loss); err != nil {
		return nil, err
	}
	return loss, checkScales(params)
}

// joinLoss makes the loss's own parameters part of params.
func joinLoss(params *graph.Params, loss losses.Loss) error {
	own := losses.ParamsOf(loss)
	if own == nil || params.Holds(own) { // in a graph of a later phase
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

// lossPrefix begins the names of the loss's own parameters.
const lossPrefix = optim.LossPrefix

// errNothingLearned is said where no tensor has a gradient.
var errNothingLearned = errors.New("trainer: there is nothing to learn: the network has no parameters, or all are frozen")

// learn adds the gradients to all learned tensors.
func (s *trainGraph) learn(cost *gorgonia.Node, params *graph.Params) (err error) {
	s.learned, err = optim.Gradients(cost, params)
	return inTrainersWords(err)
}

// inTrainersWords rewrites an error of optim about gradients in the words of someone who gave a loss
// and a network.
func inTrainersWords(err error) error {
	var unread *optim.UnreadError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, optim.ErrNothingLearned):
		return errNothingLearned
	case errors.As(err, &unread):
		return errors.Errorf("trainer: the loss does not depend on %s, which cannot be learned by it: "+
			"join it with a loss that does, such as triplet, or freeze them by a factor of 0 in LRScales", strings.Join(unread.Names, ", "))
	}
	return errors.WithMessage(err, "trainer")
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

// run computes loss and gradients of the batch in x and y.
func (s *trainGraph) run() (err error) {
	defer graph.Guard("running a training step", &err)
	if s.chunks != nil {
		return errors.Wrap(s.chunks.run(s), "trainer: training step")
	}
	s.vm.Reset()
	return errors.Wrap(s.vm.RunAll(), "trainer: training step")
}

func (s *trainGraph) close() error {
	if s.chunks != nil {
		return s.chunks.close()
	}
	return s.vm.Close()
}
