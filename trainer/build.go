package trainer

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
	"medusa/internal/cpu/loops"
	"medusa/internal/field"
	"medusa/internal/runfolder"
	"medusa/losses"
	"medusa/machine"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// build makes all of a run but its folder.
func build(cfg Config, data Data, o Options) (*Trainer, error) {
	if err := cfg.validate(o); err != nil {
		return nil, err
	}
	sets := data.items()
	if sets.Train == nil || sets.Train.Len() == 0 {
		return nil, errNothingToLearn
	}
	if err := sets.check(); err != nil {
		return nil, err
	}
	if err := cfg.needsPictures(sets); err != nil {
		return nil, err
	}
	if _, err := loops.Instructions(); err != nil {
		return nil, errors.Wrap(err, "trainer")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Trainer{data: sets, o: o, dir: runfolder.Folder(o.Dir), unsaved: true}
	t.report.trainer = t
	t.state.Evaluated = -1
	cfg = cfg.Defaults()
	var err error
	if t.fingerprint, err = fingerprintOf(sets, func(done, total int) {
		t.progress(context.Background(), "reading all "+sets.Train.noun()+" for their checksum", done, total)
	}); err != nil {
		return nil, err
	}
	if cfg.Net, err = withShapeOf(cfg.Net, sets.Train); err != nil {
		return nil, err
	}
	if err := cfg.checkData(sets); err != nil {
		return nil, err
	}
	if o.Keep != "" && o.Keep != Best && o.Keep != Last {
		return nil, errors.Errorf("trainer: Options.Keep is %q, want %s, %s, or empty for what the configuration says", o.Keep, Best, Last)
	}
	if cfg, t.start.Fitted, err = cfg.Fit(data, o.Naming); err != nil {
		return nil, err
	}
	t.given, t.cfg = cfg, cfg
	t.cfg.Keep = cmp.Or(o.Keep, cfg.Keep)
	t.cfg.Threads, t.cfg.Data.Workers = cmp.Or(o.Threads, cfg.Threads), cmp.Or(o.Workers, cfg.Data.Workers)
	loops.SetThreads(t.cfg.Threads)
	if err := t.makeSampler(); err != nil {
		return nil, err
	}
	device, err := machine.Open(cmp.Or(o.Device, cfg.Device), machine.Options{TF32: cfg.TF32, AnyOrder: cfg.AnyOrder, Log: o.Notice})
	if err != nil {
		return nil, errors.Wrap(err, "trainer")
	}
	t.cfg.Device = device.Name()
	if err := t.assemble(device); err != nil {
		device.Close()
		return nil, err
	}
	return t, nil
}

// withShapeOf gives the network the size of the pictures.
func withShapeOf(c nets.Config, d *items) (nets.Config, error) {
	channels, height, width := d.Shape()
	if cmp.Or(c.InChannels, channels) != channels || cmp.Or(c.Height, height) != height || cmp.Or(c.Width, width) != width {
		return c, field.Errorf("trainer", "", "%s, %s and %s are %d, %d and %d, but the pictures are %d×%d×%d (channels, height, width): "+
			"leave the former at 0, or set %s, %s and %s", field.Name("Net.InChannels"), field.Name("Net.Height"), field.Name("Net.Width"),
			c.InChannels, c.Height, c.Width, channels, height, width, field.Name("Data.Channels"), field.Name("Data.Height"), field.Name("Data.Width"))
	}
	c.InChannels, c.Height, c.Width = channels, height, width
	return c, nil
}

// makeSampler makes the sampler, by which it turns Config.Epochs into steps.
func (t *Trainer) makeSampler() (err error) {
	b := &t.batches
	b.set, b.norm = t.data.Train, t.data.Norm
	if b.sampler = t.o.Sampler; b.sampler != nil {
		err = checkSampler(b.sampler)
	} else {
		b.sampler, err = samplers.Of(sampled(t.data.Train, t.cfg.Seed), t.cfg.Sampler)
		err = field.Under(err, "trainer", "Sampler")
	}
	if err != nil {
		return err
	}
	t.noticeLeftOut()
	if t.cfg.Epochs > 0 {
		t.cfg.Steps, t.cfg.Epochs = t.cfg.Epochs*b.sampler.BatchesPerEpoch(), 0
		t.cfg = t.cfg.Defaults()
	}
	if b.observer, _ = b.sampler.(samplers.Observer); b.observer != nil {
		if err := b.observer.Delay(observerDelay); err != nil {
			return err
		}
	}
	b.samplerAt, err = b.sampler.State()
	return err
}

// assemble builds the learner, and copies the pictures to the device if they fit there.
func (t *Trainer) assemble(device *machine.Device) (err error) {
	views, err := model.ParseViews(t.cfg.EvalViews, t.cfg.Data.Detail)
	if err != nil {
		return err
	}
	plan, err := t.plan()
	if err != nil {
		return err
	}
	t.learner, err = newLearner(t.cfg, learnerParts{
		net: t.cfg.Net, device: device, batch: t.Batch(), evalBatch: t.cfg.EvalBatch, rate: t.o.Rate, scales: t.o.LRScales, plan: plan, views: views,
		features: func(phase int) int { return t.featuresIn(plan, phase) },
		loss: func(embedding, trunk int) (losses.Loss, error) {
			return lossOf(t.o.Loss, t.cfg.Loss, losses.Setting{
				Classes: t.data.Train.NumClasses(), EmbeddingSize: embedding, TrunkSize: trunk, Seed: t.cfg.Seed,
				ClassNames: t.data.Train.Classes(),
			})
		},
	})
	if err != nil {
		return err
	}
	if t.figures.active, err = newActiveShare(t.loss, t.Batch(), t.train, t.params, device); err != nil {
		return err
	}
	if t.features == 0 {
		if err := t.batches.pinPictures(t.train, device, t.o.Notice); err != nil {
			return err
		}
	}
	if t.schedule = t.o.Schedule; t.schedule == nil {
		if t.schedule, err = optim.NewSchedule(t.cfg.Schedule, t.cfg.Steps); err != nil {
			return field.Under(err, "trainer", "Schedule")
		}
	}
	t.state.LRScales = t.o.LRScales
	if t.o.Rate != nil {
		t.state.Rate = catalog.Describe(t.o.Rate)
	}
	return nil
}
