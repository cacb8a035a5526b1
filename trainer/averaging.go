package trainer

import (
	"medusa/graph"
	"medusa/internal/field"
	"medusa/machine"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
)

// averaging is nil where c asks for no averages of the weights; else the set that they are kept in,
// with the network for evaluation over it.
func averaging(c Config, net nets.Config, params *graph.Params, batch int, dev *machine.Device) (*optim.Averaging, *model.Embedder, error) {
	if c.Average.Decay == 0 {
		return nil, nil, nil
	}
	into := graph.NewParams(0) // whose numbers the solver writes
	eval, err := model.NewEmbedder(net, into, batch, dev)
	if err != nil {
		return nil, nil, err
	}
	return &optim.Averaging{AverageConfig: c.Average, Of: params, Into: into}, eval, nil
}

// newSolver makes the solver of a training step.
func newSolver(c Config, s *step, dev *machine.Device, rate func(step int, parameter string) float64, average *optim.Averaging) (*optim.Solver, error) {
	solver, err := optim.New(c.Solver, s.learned, optim.Options{Device: dev, Clip: c.Clip, ClipValue: c.ClipValue, Average: average, Rate: rate})
	return solver, field.Under(err, "trainer", "Solver")
}
