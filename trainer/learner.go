package trainer

import (
	"context"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/field"
	"medusa/losses"
	"medusa/machine"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
)

// learner is what learns: a network and a loss over one set of parameters on a device, the graph of
// a training step, and the solver that moves the weights. A Trainer and a Stepper each have one.
type learner struct {
	cfg       Config // of solver, clipping and averages, with its defaults
	parts     learnerParts
	phase     int    // of parts.plan: its first step
	features  int    // of the backbone, which steps see in place of pictures; 0 for pictures
	trunk     *trunk // makes these; nil once they are made
	net       nets.Config
	params    *graph.Params // of the network and the loss
	averaged  *graph.Params // what is measured and saved: the averages, or params
	loss      losses.Loss
	train     *trainGraph
	solver    *optim.Solver
	device    *machine.Device // nil is the CPU
	eval      *model.Embedder // over averaged, made when first needed
	evalBatch int
	views     model.Views // that evaluations see pictures in

	rollback rollback
	oldest   int  // the rollback's turn of the first step under way
	lent     bool // Params was called: the host's parameters may be newer than the device's
}

// learnerParts are what a learner is built of besides a configuration.
type learnerParts struct {
	net              nets.Config
	loss             parseLoss
	device           *machine.Device
	batch, evalBatch int
	rate             func(step int, parameter string) float64
	scales           map[string]float64 // of learning rates, by the beginnings of names
	plan             *plan              // of who learns when and how fast; nil if all do from the first step on
	views            model.Views
	features         func(phase int) int // of the backbone, which steps of a phase see in place of pictures; 0 for pictures
}

// newLearner builds network, loss, gradients and solver as c says, which has its defaults.
func newLearner(c Config, p learnerParts) (*learner, error) {
	l := &learner{cfg: c, parts: p, phase: p.plan.phase(0), net: p.net, params: graph.NewParams(c.Seed), device: p.device, evalBatch: p.evalBatch, views: p.views}
	if err := scaleRates(l.params, p.scales); err != nil {
		return nil, err
	}
	if err := p.plan.apply(l.params, l.phase); err != nil {
		return nil, err
	}
	if err := checkParts(p.batch, c.Accumulate); err != nil {
		return nil, err
	}
	p.device.CheckByHand() // by the solver
	var err error
	if l.train, l.loss, err = l.newGraph(p.loss); err != nil {
		return nil, err
	}
	if err := p.plan.checkNames(l.params); err != nil {
		return nil, err
	}
	if err := checkRates(l.params, p.scales); err != nil {
		return nil, err
	}
	average, err := l.average(c.Average)
	if err != nil {
		return nil, err
	}
	if l.solver, err = l.newSolver(average, nil); err != nil {
		return nil, err
	}
	return l, l.rollback.open(p.device, l.params)
}

// newGraph builds the graph of a training step in the phase at hand.
func (l *learner) newGraph(loss parseLoss) (*trainGraph, losses.Loss, error) {
	if err := l.openTrunk(); err != nil {
		return nil, nil, err
	}
	train, made, err := newTrainGraph(subject{l.net, l.features}, l.params, l.parts.batch, l.cfg.Accumulate, l.device, loss)
	if err != nil {
		return nil, nil, err
	}
	l.parts.plan.number(train.learned)
	return train, made, nil
}

// newSolver makes the solver of the tensors that the graph learns; it goes on where another one was, if there is one.
func (l *learner) newSolver(average *optim.Averaging, old *optim.Solver) (*optim.Solver, error) {
	c := l.cfg
	s, err := optim.New(c.Solver, l.train.learned, optim.Options{Device: l.device, Clip: c.Clip, ClipValue: c.ClipValue, Average: average, Continue: old, Rate: l.parts.rate})
	return s, field.Under(err, "trainer", "Solver")
}

// average prepares running averages of the weights, which are then what is measured and saved;
// nil where none are asked for.
func (l *learner) average(c optim.AverageConfig) (*optim.Averaging, error) {
	l.averaged = l.params
	if c.Decay == 0 {
		return nil, nil
	}
	l.averaged = graph.NewParams(0) // whose numbers the solver writes
	if _, err := l.embedder(); err != nil {
		return nil, err
	}
	return &optim.Averaging{AverageConfig: c, Of: l.params, Into: l.averaged}, nil
}

// begin makes a step of the batch in the graph's inputs, or puts it on the device: forward pass,
// loss, gradients, and the solver's move. The inputs may be filled anew when it returns. At most
// optim.MaxPending steps may be under way.
func (l *learner) begin(lr float64) error {
	turn := (l.oldest + l.underWay()) % rollbackTurns
	if err := l.rollback.remember(turn); err != nil {
		return err
	}
	if err := l.train.run(); err != nil {
		return l.rollback.undo(turn, err)
	}
	if err := l.solver.Begin(l.train.loss, lr); err != nil {
		return l.rollback.undo(turn, err)
	}
	return nil
}

// end waits for the first step under way. If that failed, everything is as before it, and
// those begun since are dropped.
func (l *learner) end() (optim.Result, error) {
	turn := l.oldest
	r, err := l.solver.End()
	if err != nil || !r.Made() {
		l.oldest = 0
		return r, l.rollback.undo(turn, err)
	}
	l.oldest = (turn + 1) % rollbackTurns
	return r, nil
}

// underWay is how many steps were begun and have not ended.
func (l *learner) underWay() int { return l.solver.Pending() }

// embedder is the network for evaluation, of the weights as they are.
func (l *learner) embedder() (_ *model.Embedder, err error) {
	if l.eval == nil {
		l.eval, err = l.newEmbedder(l.averaged)
	}
	return l.eval, err
}

// newEmbedder is the network for evaluation, of some weights.
func (l *learner) newEmbedder(params *graph.Params) (*model.Embedder, error) {
	return model.NewEmbedder(l.net, params, l.evalBatch, l.device, l.views)
}

// embedPixels is the embeddings of pictures that are normalised.
func (l *learner) embedPixels(ctx context.Context, pictures []float32) ([]float32, error) {
	e, err := l.embedder()
	if err != nil {
		return nil, err
	}
	return e.Pixels(ctx, pictures)
}

// lend brings the parameters to the host, where somebody may write into them.
func (l *learner) lend() (*graph.Params, error) {
	l.lent = true
	return l.params, errors.Wrap(l.device.Read(graph.Tensors(l.params)...), "trainer")
}

// takeBack tells the device that the host may have written into the parameters. Averages follow
// what was written, but for those that begin with it: before the first step, and once learning is
// over.
func (l *learner) takeBack(over bool) error {
	if !l.lent {
		return nil
	}
	l.lent = false
	l.device.Wrote(graph.Tensors(l.params)...)
	if l.solver.Steps() > 0 && !over {
		return nil
	}
	return l.solver.StartAverages()
}

// tensors are the state of learning as the device holds it: all of it that a checkpoint keeps.
func (l *learner) tensors() [][]float32 {
	tensors := graph.Tensors(l.params)
	for _, s := range l.solver.State() {
		tensors = append(tensors, s.F32)
	}
	return tensors
}

// close gives back what the learner holds.
func (l *learner) close() error {
	err := l.train.close()
	if e := l.dropTrunk(); err == nil {
		err = e
	}
	if e := l.eval.Close(); err == nil {
		err = e
	}
	if e := l.device.Close(); err == nil {
		err = e
	}
	return err
}
