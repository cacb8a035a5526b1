package trainer

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/optim"
)

// Lengthened is c for a longer run, of so many steps or epochs in all; the other one is 0. A schedule whose rates at the
// steps that were made would be others in the longer run, cosine, is refused.
func (c Config) Lengthened(steps, epochs int) (Config, error) {
	name, now, was := field.Name("Steps"), steps, c.Steps
	if epochs > 0 {
		name, now, was = "Epochs", epochs, c.Epochs
	}
	switch {
	case steps > 0 == (epochs > 0):
		return c, field.Errorf("trainer", "", "%s is %d and %s %d: give one of them, the new length of the run", field.Name("Steps"), steps, field.Name("Epochs"), epochs)
	case was > 0 && now <= was:
		return c, field.Errorf("trainer", "", "%s is %d, but the run has %d: want more, to lengthen it, or leave it out", name, now, was)
	case c.Schedule.Name == "cosine":
		return c, field.Errorf("trainer", "", "%s cannot lengthen the run: %s is cosine, whose rate at every step depends on the length, and which has fallen by the end; "+
			"begin a new run with the weights of this one (%s)", name, field.Name("Schedule.Name"), field.Name("FineTune.From"))
	}
	if c.Steps > 0 { // what depends on the length stays as it was
		c = c.Defaults()
	}
	c.Steps, c.Epochs = steps, epochs
	return c, nil
}

// longer is the configuration of a run that goes on longer than it was begun for, if o asks for that.
func (o Options) longer(c Config) (Config, error) {
	if o.Steps == 0 && o.Epochs == 0 {
		return c, nil
	}
	return c.Lengthened(o.Steps, o.Epochs)
}

// checkLonger refuses a run that is no longer than it was, or is over for another reason than its length. epoch is its steps.
func (t *Trainer) checkLonger(was Config) error {
	epoch := t.batches.sampler.BatchesPerEpoch()
	before := cmp.Or(was.Epochs*epoch, was.Defaults().Steps)
	by := field.Name("Steps")
	if t.o.Epochs > 0 {
		by = "Epochs"
	}
	switch s := t.state; {
	case t.cfg.Steps <= before:
		return field.Errorf("trainer", "", "%s has the run end after %d steps, but it has %d: want more, to lengthen it, or leave it out", by, t.cfg.Steps, before)
	case s.Stopped:
		return errors.New("trainer: a hook ended the run: it cannot be lengthened; begin a new one with its weights (Config.FineTune.From)")
	case t.cfg.Patience > 0 && s.Stale >= t.cfg.Patience:
		return field.Errorf("trainer", "", "%s (%d) ended the run, at step %d, and would again: it cannot be lengthened; begin a new one with its weights (%s)",
			field.Name("Patience"), t.cfg.Patience, s.Step, field.Name("FineTune.From"))
	}
	was.Steps, was.Epochs = before, 0
	was = was.Defaults()
	for _, c := range []*Config{&t.cfg, &t.given} { // as they were
		c.EvalEvery, c.Schedule.Every = was.EvalEvery, was.Schedule.Every
	}
	if t.o.Schedule != nil || t.cfg.Schedule.Name != "step" {
		return nil
	}
	var err error
	t.schedule, err = optim.NewSchedule(t.cfg.Schedule, t.cfg.Steps)
	return err
}

// lengthen makes a run that goes on a longer one, in its folder too. Its result is not that of the run any more.
func (t *Trainer) lengthen() error {
	t.finished = nil
	if err := t.dir.Discard(ResultFile); err != nil {
		return inTrainer(err)
	}
	if err := writeConfig(t.dir, t.given, t.o.ConfigText); err != nil {
		return err
	}
	c, err := t.checkpoint()
	if err != nil {
		return err
	}
	return c.write(t.dir, LastFile)
}

// runDifferences are the Differences of two configurations, none if it is only the length of the run: it may have been
// lengthened.
func runDifferences(a, b Config) []string {
	c, d := a.Defaults(), b.Defaults() // what followed from either length
	c.Steps, c.Epochs = d.Steps, d.Epochs
	if len(Differences(c, d)) == 0 {
		return nil
	}
	return Differences(a, b)
}
