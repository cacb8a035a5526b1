package trainer

import (
	"context"
	"fmt"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/wording"
	"medusa/losses"
	"medusa/optim"
)

// plan is that of the run, whose epochs have a length by now; nil if all weights learn from the first step on at one rate.
func (t *Trainer) plan() (*plan, error) {
	f := t.cfg.FineTune
	if f.isZero() {
		return nil, nil
	}
	if len(t.o.LRScales) > 0 {
		return nil, errors.Errorf("trainer: Options.LRScales and Config.FineTune both say how fast weights learn: say all of it in FineTune")
	}
	text, err := f.parse()
	if err != nil {
		return nil, field.Under(err, "trainer", "FineTune")
	}
	stages, err := t.cfg.Net.Stages()
	if err != nil {
		return nil, errors.WithMessage(err, "trainer: the stages of the backbone")
	}
	epoch := t.batches.sampler.BatchesPerEpoch()
	p, err := newPlan(text, stages, t.cfg.Net.Backbone, epoch)
	if err != nil {
		return nil, field.Under(err, "trainer", "FineTune")
	}
	return p, p.checkLength(f, t.cfg.Steps, epoch)
}

// enter goes to the phase that a step is in: the graph of training and the solver are made anew for the weights that learn
// then, and those that learned before go on where they are. It reports whether there was anything to do. No step is under way.
func (l *learner) enter(step int) (bool, error) {
	phase := l.parts.plan.phase(step)
	if phase == l.phase {
		return false, nil
	}
	if err := l.device.Read(l.tensors()...); err != nil {
		return false, err
	}
	if err := l.parts.plan.apply(l.params, phase); err != nil {
		return false, err
	}
	old, oldSolver := l.train, l.solver
	l.phase = phase
	var err error
	if l.train, _, err = l.newGraph(func(int, int) (losses.Loss, error) { return l.loss, nil }); err != nil {
		l.train = old
		return false, err
	}
	if err := l.succeed(oldSolver); err != nil {
		return false, err
	}
	for _, g := range old.graphs {
		l.params.Forget(g)
	}
	l.device.Release(old.x, old.y)
	return true, old.close()
}

// succeed makes the solver of the graph at hand, which goes on where another one was.
func (l *learner) succeed(old *optim.Solver) (err error) {
	var average *optim.Averaging
	if l.averaged != l.params {
		average = &optim.Averaging{AverageConfig: l.cfg.Average, Of: l.params, Into: l.averaged}
	}
	l.solver, err = l.newSolver(average, old)
	return err
}

// enterPhase brings the run to the phase of the step of that number, and tells which weights begin to learn.
func (t *Trainer) enterPhase(ctx context.Context, number int) error {
	if t.parts.plan.phase(number) == t.phase {
		return nil
	}
	if err := t.await(ctx, 0); err != nil {
		return err
	}
	was := t.features
	if err := t.rebuild(number); err != nil {
		return err
	}
	if err := t.followFeatures(ctx, was); err != nil {
		return err
	}
	t.state.Moved = false // those that begin have to be seen to move
	t.notice(fmt.Sprintf("step %d: %s from here on", number, t.parts.plan.news(number, t.solver.Tensors())))
	return nil
}

// rebuild is enter, with what stands around the graph of training.
func (t *Trainer) rebuild(number int) error {
	changed, err := t.enter(number)
	if err == nil && changed && t.batches.onDevice != nil && t.features == 0 {
		t.device.Adopt(t.train.x)
	}
	return errors.Wrapf(err, "trainer: step %d", number)
}

// news says which weights learn from a step on that did not before.
func (p *plan) news(step int, learned []optim.Tensor) string {
	numbers := 0
	var names []string
	for _, s := range p.stages {
		before := numbers
		for _, x := range learned {
			if p.of(x.Name).from == step && s.Holds(x.Name) {
				numbers += len(x.Weights)
			}
		}
		if numbers > before {
			names = append(names, s.Name)
		}
	}
	for _, x := range learned {
		if part, _, _ := strings.Cut(x.Name, "."); part != "backbone" && p.of(x.Name).from == step {
			numbers += len(x.Weights)
			names = append(names, x.Name)
		}
	}
	return fmt.Sprintf("%s, %s parameters, learn", strings.Join(names, ", "), wording.Thousands(numbers))
}
