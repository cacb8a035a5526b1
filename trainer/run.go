package trainer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/needs"
	"medusa/internal/runfolder"
)

// Run trains to the end and leaves the model, the embeddings of the measured pictures,
// the report and, last of all, result.json in the run folder; the weights are then those
// of the model. When ctx ends, it saves a checkpoint and returns the result so far with
// StopInterrupted and no error: Resume goes on. Errors also leave a checkpoint of the
// last good state; the error of a hook is a HookError, one of finishing a FinishError. A
// Trainer runs once.
func (t *Trainer) Run(ctx context.Context) (r Result, err error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return r, err
	}
	if err := t.use.Begin(theTrainer); err != nil {
		return r, err
	}
	defer t.use.End()
	if t.ran {
		return r, errors.New("trainer: a Trainer runs once: make another one with Resume")
	}
	t.takeBack()
	t.ran, t.running = true, true
	defer func() { t.running = false }()
	began := time.Now()
	held := t.held
	if held == nil {
		return r, errors.New("trainer: the Trainer is closed: make another one with Resume")
	}
	t.held = nil
	if err := t.openLog(held); err != nil {
		return r, err
	}
	defer func() {
		if e := t.log.Close(); err == nil {
			err = e
		}
	}()
	events, err := t.dir.OpenEvents(t.state.Step)
	if err != nil {
		return r, inTrainer(err)
	}
	defer func() {
		if e := events.Close(); err == nil {
			err = e
		}
	}()
	t.own = []Hook{logMetrics(t.log), plotMetrics(events)}
	if t.finished != nil {
		err = t.complete(ctx, &r, began)
	} else if r.Stop, err = t.train(ctx); err == nil {
		err = t.finish(ctx, &r, began)
	}
	if err == nil {
		t.settled = true
		return r, t.solver.TakeAverages()
	}
	r.Stop = StopInterrupted
	t.fill(&r, began)
	var hook *HookError
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()) && !errors.Is(err, errSave):
		t.o.Logger.Info("stopped", "step", t.state.Step, "resume", string(t.dir))
		return r, nil
	case errors.As(err, &hook) && !errors.Is(err, errSave):
		if e := t.leaveModel(ctx, hook, &r); e != nil {
			err = bothErrors{err, e}
		}
	}
	return r, err
}

// openLog opens metrics.jsonl where the run goes on; that of a finished run stays as it is.
func (t *Trainer) openLog(held *runfolder.Lock) (err error) {
	var lost bool
	if t.finished != nil {
		t.log, lost, err = held.WholeMetricsLog()
	} else {
		t.log, lost, err = held.MetricsLog(t.state.LogBytes, t.state.LogSum)
	}
	if lost {
		t.notice(fmt.Sprintf("%s is empty: its lines up to step %d are lost, and the curves begin there", t.log.Name(), t.state.Step))
	}
	return inTrainer(err)
}

// train makes the steps that are left. Whatever ends it early, the last good state is
// saved first.
func (t *Trainer) train(ctx context.Context) (Stop, error) {
	if err := t.tellStart(ctx); err != nil {
		return StopInterrupted, err
	}
	loader, err := t.load()
	if err != nil {
		return StopInterrupted, err
	}
	defer loader.Close()
	stop, err := t.loop(ctx, loader)
	if err == nil {
		return stop, nil
	}
	if e := t.land(context.WithoutCancel(ctx), 0); e != nil {
		err = bothErrors{err, e}
	}
	if t.unsaved && !errors.Is(err, errSave) {
		if e := t.save(context.WithoutCancel(ctx), LastFile, "last"); e != nil {
			err = bothErrors{err, e}
		}
	}
	return StopInterrupted, err
}

func (t *Trainer) loop(ctx context.Context, loader *datasets.Loader) (Stop, error) {
	if t.lostBest {
		if err := t.saveBest(ctx); err != nil {
			return "", err
		}
		t.lostBest = false
	}
	for {
		if t.state.Stopped {
			if err := t.land(ctx, 0); err != nil {
				return "", err
			}
		}
		if err := t.evaluateIfDue(ctx); err != nil {
			return "", err
		}
		s := t.state
		over := s.Step >= t.cfg.Steps
		tired := t.cfg.Patience > 0 && s.HasBest && s.Stale >= t.cfg.Patience
		if t.unsaved && (over || tired || s.Stopped || s.Step == 0 || t.saves(s.Step)) {
			if err := t.save(ctx, LastFile, "last"); err != nil {
				return "", err
			}
		}
		switch {
		case over:
			return StopDone, nil
		case tired:
			return StopPatience, nil
		case s.Stopped:
			return StopHook, nil
		case t.state.Stopped: // since, by a hook that was told of the checkpoint
			continue
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := t.advance(ctx, loader); err != nil {
			return "", err
		}
	}
}

// samplerEvery is the number of batches between two copies of the sampler's state; a
// resumed run draws and drops what lies between.
const samplerEvery = 64

// load starts the loader where the run stands.
func (t *Trainer) load() (*datasets.Loader, error) {
	drawn := t.state.Drawn
	var broken error
	next := func(dst []int) error {
		if broken != nil {
			return broken
		}
		return t.sampler.Next(dst)
	}
	state := func() (b []byte) {
		if t.observer != nil {
			return nil // asked for when it is saved
		}
		if drawn++; drawn%samplerEvery == 0 && broken == nil {
			b, broken = t.sampler.State()
		}
		return b
	}
	d := t.cfg.Data
	ahead := cmp.Or(d.Ahead, 4)
	switch {
	case t.observer != nil:
		ahead = min(ahead, observerDelay-1) // one more is with the step
	case t.device != nil:
		ahead++ // two are with steps
	}
	return datasets.NewLoader(t.data.Train.Set, datasets.LoaderConfig{
		Normalisation: t.data.Norm, Augment: d.Augment, Seed: t.cfg.Seed, Batch: t.sampler.Batch(),
		Workers: d.Workers, Ahead: ahead, Recipes: t.batches != nil, State: state,
	}, next, t.state.Step)
}

// flight is a step that was begun and has not ended.
type flight struct {
	batch  *datasets.Batch
	number int
	lr     float64
	began  time.Time
	waited time.Duration
}

// advance begins one step, and ends those that need not be under way any longer.
func (t *Trainer) advance(ctx context.Context, loader *datasets.Loader) error {
	f := flight{number: t.state.Step + len(t.flights) + 1, began: time.Now()}
	var err error
	if f.batch, err = loader.Next(ctx); err != nil {
		return errors.Wrapf(err, "trainer: the batch of step %d", f.number)
	}
	f.waited = time.Since(f.began)
	factor := t.schedule.Factor(f.number)
	if !finite(factor) || factor < 0 {
		f.batch.Release()
		return errors.Errorf("trainer: Options.Schedule gives %v at step %d, want a number of at least 0", factor, f.number)
	}
	f.lr = t.cfg.Solver.LR * factor
	err = t.feed(f.batch)
	if err == nil {
		err = t.moved.before(t.solver, &t.state)
	}
	if err == nil {
		err = t.engine.begin(f.lr)
	}
	if err != nil {
		f.batch.Release()
		return errors.Wrapf(err, "trainer: step %d", f.number)
	}
	t.flights = append(t.flights, f)
	return t.land(ctx, t.lag(f.number))
}

// lag is how many steps may be under way after the step of that number: one on a device, but
// if something must be read from the device before the next step overwrites it.
func (t *Trainer) lag(number int) int {
	if t.device == nil || t.observer != nil || !t.state.Moved || t.logged(number) || t.due(number) || t.saves(number) {
		return 0
	}
	return 1
}

// saves tells whether CheckpointEvery asks for a checkpoint behind the step of that number.
func (t *Trainer) saves(number int) bool {
	every := t.cfg.CheckpointEvery
	return every > 0 && number%every == 0
}

// land ends steps until only so many are under way.
func (t *Trainer) land(ctx context.Context, lag int) error {
	for len(t.flights) > lag {
		f := t.flights[0]
		t.flights = t.flights[1:]
		err := t.landed(ctx, f)
		f.batch.Release()
		if err != nil {
			if t.engine.flying() == 0 { // what was begun since was dropped
				for _, f := range t.flights {
					f.batch.Release()
				}
				t.flights = nil
			}
			return err
		}
	}
	return nil
}

// landed ends one step.
func (t *Trainer) landed(ctx context.Context, f flight) error {
	r, err := t.engine.end()
	if err != nil {
		return errors.Wrapf(err, "trainer: step %d", f.number)
	}
	if !r.Made() {
		return t.notFinite(f.batch, r)
	}
	s := &t.state
	s.Step++
	s.Loss = r.Loss
	t.unsaved = true
	if err := t.consumed(f.batch); err != nil {
		return err
	}
	now, began := time.Now(), f.began
	if t.landing.After(began) {
		began = t.landing
	}
	t.landing = now
	t.pace.add(t.sampler.Batch(), now.Sub(began), f.waited, s)
	return t.stepped(ctx, f.batch, f.lr, math.Sqrt(r.Squared))
}

// observerDelay is how many batches behind its own a sampler that draws by embeddings
// sees; a run's batches depend on it, so that it is the same for every Ahead.
const observerDelay = 8

// consumed tells the sampler of the batch of the step just made, or keeps its state.
func (t *Trainer) consumed(b *datasets.Batch) error {
	s := &t.state
	if t.observer != nil {
		seen := t.step.embed.Float32s()
		if err := t.step.embed.Err(); err != nil {
			return errors.Wrapf(err, "trainer: the embeddings of step %d", s.Step)
		}
		return errors.Wrapf(t.observer.Observe(seen), "trainer: the sampler, after step %d", s.Step)
	}
	if s.Drawn++; b.SamplerState != nil {
		t.samplerAt, s.Drawn = b.SamplerState, 0
	}
	return nil
}

// stepped tells what the step did.
func (t *Trainer) stepped(ctx context.Context, b *datasets.Batch, lr, norm float64) error {
	s := &t.state
	i := &t.info
	i.Step, i.Steps, i.Loss, i.LR, i.GradNorm = s.Step, t.cfg.Steps, s.Loss, lr, norm
	i.Epoch = float64(s.Step) / float64(t.sampler.BatchesPerEpoch())
	i.ImagesPerSecond, i.WaitShare = t.pace.rate(), t.pace.waitShare(s)
	i.ETA = t.pace.eta(t.cfg.Steps-s.Step, t.sampler.Batch())
	i.Logged = t.logged(s.Step)
	if i.Logged {
		if err := t.look(b); err != nil {
			return err
		}
		if err := t.figures(b); err != nil {
			return err
		}
	}
	if err := t.keep(func(h Hook) error { return h.step(ctx, *i) }); err != nil {
		return err
	}
	warnings, err := t.moved.after(t.solver, s)
	if err != nil {
		return err
	}
	if i.Logged {
		warnings = append(warnings, s.Watch.look(*i, t.data.Train.NumClasses(), t.data.Train.noun())...)
	}
	for _, w := range warnings {
		if err := t.warn(ctx, w); err != nil {
			return err
		}
	}
	return t.tell(func(h Hook) error { return h.step(ctx, *i) })
}

// logged tells whether the step of that number is a line of metrics.jsonl.
func (t *Trainer) logged(number int) bool {
	return number%t.cfg.LogEvery == 0 || number == 1 || number == t.cfg.Steps
}

// look measures how the embeddings of the batch lie.
func (t *Trainer) look(b *datasets.Batch) error {
	i := &t.info
	x := t.step.embed.Float32s()
	if err := t.step.embed.Err(); err != nil {
		return errors.Wrapf(err, "trainer: the embeddings of step %d", i.Step)
	}
	spread := measure(x, t.step.size, b.Classes)
	i.HasSpread, i.MeanPositive, i.MeanNegative, i.EmbeddingNorm = true, spread.positive, spread.negative, spread.norm
	if t.monitor == nil {
		return nil
	}
	var err error
	i.HasActive = true
	i.ActiveShare, err = t.monitor.of(x, b.Labels)
	return errors.Wrapf(err, "trainer: step %d", i.Step)
}

func (t *Trainer) warn(ctx context.Context, w Warning) error {
	if err := t.record(ctx, &w); err != nil {
		return err
	}
	return t.tellWarning(ctx, w)
}

// record takes a warning of this step into the state and the log.
func (t *Trainer) record(ctx context.Context, w *Warning) error {
	w.Step = t.state.Step
	t.state.Warnings = append(t.state.Warnings, *w)
	return t.keep(func(h Hook) error { return h.warned(ctx, *w) })
}

func (t *Trainer) tellWarning(ctx context.Context, w Warning) error {
	t.o.Logger.Warn(w.Message, "step", w.Step, "kind", w.Kind, "advice", w.Advice)
	return t.tell(func(h Hook) error { return h.warned(ctx, w) })
}

func (t *Trainer) tellStart(ctx context.Context) error {
	net, loss := t.Parameters()
	i := StartInfo{
		Dir: string(t.dir), Items: t.data.Train.noun(), Step: t.state.Step, Steps: t.cfg.Steps, Batch: t.sampler.Batch(),
		StepsPerEpoch: t.sampler.BatchesPerEpoch(), Parameters: net, LossParams: loss, Config: t.cfg, LeftOut: t.leftOut, Fitted: t.fitted,
	}
	return t.tell(func(h Hook) error { return h.start(ctx, i) })
}

// errSave marks an error of saving, after which saving is not tried again.
var errSave = errors.New("saving failed")

// save writes a checkpoint.
func (t *Trainer) save(ctx context.Context, name, kind string) error {
	t.progress(ctx, "writing a checkpoint", 0, 0)
	if err := t.log.Sync(); err != nil {
		return saveError{inTrainer(err)}
	}
	t.state.LogBytes, t.state.LogSum = t.log.Size(), t.log.Checksum()
	c, err := t.checkpoint()
	if err != nil {
		return saveError{errors.Wrapf(err, "trainer: the checkpoint of step %d", t.state.Step)}
	}
	if err := c.write(t.dir, name); err != nil {
		return saveError{err}
	}
	if name == LastFile {
		t.unsaved = false
	}
	return t.tellSaved(ctx, name, kind)
}

func (t *Trainer) tellSaved(ctx context.Context, name, kind string) error {
	i := SaveInfo{Step: t.state.Step, Path: t.dir.Path(name), Kind: kind}
	return t.tell(func(h Hook) error { return h.saved(ctx, i) })
}

// bothErrors is what ended a run, and why it could not be saved then.
type bothErrors [2]error

func (e bothErrors) Error() string   { return e[0].Error() + "; and then: " + e[1].Error() }
func (e bothErrors) Unwrap() []error { return e[:] }

type saveError struct{ error }

func (e saveError) Unwrap() error        { return e.error }
func (e saveError) Is(target error) bool { return target == errSave }
