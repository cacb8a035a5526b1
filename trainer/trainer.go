package trainer

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/internal/device/cpu"
	"medusa/internal/exclusive"
	"medusa/internal/field"
	"medusa/internal/needs"
	"medusa/internal/runfolder"
	"medusa/losses"
	"medusa/machine"
	"medusa/metrics"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// Options are the parts of a run that are not its configuration.
type Options struct {
	Dir    string       // run folder; New makes it, and refuses one that is not empty
	Hooks  []Hook       // told in this order
	Logger *slog.Logger // discarded if nil

	// ConfigText is what config.yaml of the run folder says, such as a command's own
	// configuration; the YAML of the Config if nil. Resume writes it where it is missing.
	ConfigText []byte

	// Threads and Workers stand in for those of the configuration if above 0, for a run
	// that is resumed elsewhere. No result depends on them.
	Threads, Workers int

	// Keep stands in for that of the configuration if not empty: Last makes a model where
	// the best weights were lost.
	Keep Keep

	// Loss, Backbone and Sampler, if not nil, stand in for what Config.Loss, Config.Net.Backbone
	// and Config.Sampler name: names serve files. The run folder keeps a description of them, the
	// type with its fields, and Resume must be given the same again. A loss of a registered kind
	// is kept as text, and need not be. A loss that is a losses.Settable is told the classes and
	// the size of an embedding before it is built; one with parameters of its own serves one run.
	// A backbone reads what it wants of Config.Net. A sampler has drawn nothing yet.
	Loss     losses.Loss
	Backbone nets.Builder
	Sampler  samplers.Sampler

	// Schedule, if not nil, stands in for Config.Schedule, whose warm-up it also is. Like the
	// others it must be given again, as it was at first, to Resume; the state of an optim.Watching
	// is then that of the checkpoint.
	Schedule optim.Schedule

	// Rate, if not nil, is a factor on the learning rate of each parameter, such as
	// backbone.conv1.weight, at each step, counted from 1; it comes to that of LRScales. At 0 the
	// parameter is frozen for that step, and there is no weight decay either; what the solver
	// knows of its gradients goes on. It gives the same for the same step in a resumed run.
	Rate func(step int, parameter string) float64

	// LRScales multiplies the learning rate of the parameters whose names begin with its keys, such
	// as "backbone." or "backbone.layer1."; the longest key that fits counts. 0 freezes them: no
	// step moves them, nor do the running statistics of their batch normalisation move. A run
	// that is resumed has those that it was begun with.
	LRScales map[string]float64

	// Naming says how messages call settings; as fields of Config if nil.
	Naming Naming

	// Device stands in for that of the configuration if not empty, for a run that is resumed
	// elsewhere: what was learned passes from one device to another.
	Device string
	// Notice is told which device is taken where that is open, what it leaves to the host, and
	// what Resume found damaged and how it helped itself; nil if nobody wants to know.
	Notice func(message string)

	// NoReport and NoEmbeddings leave out report.html and embeddings.safetensors, which a
	// finished run has in its folder otherwise.
	NoReport, NoEmbeddings bool
}

// Trainer is one run: a network, a loss, and what moves the one to lower the other. One
// goroutine uses it at a time, and another one gets an error; what hooks do counts as Run's.
type Trainer struct {
	use   exclusive.Use
	given Config // as it is stored: defaults filled in, Epochs not yet turned into Steps
	cfg   Config
	o     Options
	data  runData
	start StartInfo // what is found out before the first step

	*learner
	batches     batches
	schedule    optim.Schedule
	state       state
	fingerprint fingerprint

	dir      runfolder.Folder
	held     *runfolder.Lock // before Run
	log      *runfolder.MetricsLog
	finished *storedResult // of a run that came to its end before; nil for others
	unsaved  bool          // whether the state has changed since the last checkpoint
	lostBest bool          // whether the best checkpoint must be written anew, from the state as it is

	own    []Hook // the run's, which keep what belongs to it
	others []Hook // that are told after them
	queue  []Warning

	stage   stage
	running bool          // within Run
	pending []pendingStep // steps under way
	figures figures
	report  reporter
}

// stage is how far the use of a Trainer has come.
type stage int

const (
	prepared stage = iota
	begun          // Run was called
	settled        // the run is over, and the weights are those of the model
)

// New prepares a run in the folder o.Dir, which must not exist or be empty. The data stay
// the caller's, who closes them after the run.
func New(cfg Config, data Data, o Options) (*Trainer, error) {
	cfg, err := o.into(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.suitsViews(o); err != nil {
		return nil, err
	}
	t, err := build(cfg, data, o)
	if err != nil {
		return nil, err
	}
	t.noticeEqualViews()
	if err := t.createRun(); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// createRun makes the run folder.
func (t *Trainer) createRun() (err error) {
	_, was := os.Stat(string(t.dir))
	if err := t.dir.Create(); err != nil {
		return inTrainer(err)
	}
	if t.held, err = t.dir.Lock(); err != nil {
		return inTrainer(err)
	}
	if err := t.dir.Create(); err != nil { // another process may have been faster
		return inTrainer(err)
	}
	t.dir.Sweep()
	err = writeConfig(t.dir, t.given, t.o.ConfigText)
	if err == nil {
		t.start.LeftOut, err = writeLeftOut(t.dir, t.data.data())
	}
	if err != nil {
		t.dir.Remove(errors.Is(was, os.ErrNotExist))
		return errors.WithMessage(err, "trainer: the run was not begun")
	}
	return nil
}

// Resume prepares to go on with the run in the folder o.Dir, from its last checkpoint or
// from the start if it had none yet. data must be what Load makes of the run's
// configuration, which Stored tells.
func Resume(data Data, o Options) (*Trainer, error) {
	dir := runfolder.Folder(o.Dir)
	if _, err := Stored(o.Dir); err != nil { // nothing is opened in a folder that holds no run
		return nil, err
	}
	held, err := dir.Lock()
	if err != nil {
		return nil, inTrainer(err)
	}
	t, err := goOn(dir, data, o)
	if err != nil {
		held.Close()
		return nil, err
	}
	t.held = held
	dir.Sweep()
	err = completeConfig(dir, t.given, o.ConfigText)
	if err == nil {
		t.start.LeftOut, err = writeLeftOut(dir, data)
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// goOn makes the run of a folder that is held.
func goOn(dir runfolder.Folder, data Data, o Options) (*Trainer, error) {
	from, err := newestOf(dir)
	if err != nil {
		return nil, err
	}
	cfg, err := configOf(from, dir)
	if err != nil {
		return nil, err
	}
	cfg.Sampler = firstSizes(cfg.Sampler)
	if cfg, err = o.again(cfg); err != nil {
		return nil, err
	}
	if from.Checkpoint != nil {
		if err := o.sameRates(from.Checkpoint.state); err != nil {
			return nil, err
		}
	}
	t, err := build(cfg, data, o)
	if err != nil {
		return nil, err
	}
	if err := t.takeOver(from); err != nil {
		t.Close()
		return nil, errors.Wrapf(err, "trainer: resuming %s", o.Dir)
	}
	return t, nil
}

// takeOver goes on from a checkpoint, and tells what was wrong with others.
func (t *Trainer) takeOver(from generation) error {
	if from.Checkpoint != nil {
		if err := t.restore(from.Checkpoint); err != nil {
			return err
		}
		if err := owns(t.dir, from.Checkpoint, from.Name); err != nil {
			return err
		}
		if !from.Checkpoint.data.knowsPixels() {
			t.notice("the checkpoint is of an earlier version, which did not remember the pixels of its pictures: see to it yourself that they are the same")
		}
		t.unsaved = from.Name != LastFile
	}
	if err := t.checkBest(); err != nil {
		return err
	}
	if err := from.Settle(t.dir, t.notice); err != nil {
		return inTrainer(err)
	}
	if from.Checkpoint == nil || from.Name == LastFile {
		t.finished = ownResult(t.dir, from.Checkpoint, t.notice)
	}
	return nil
}

// notice tells something that a person should know.
func (t *Trainer) notice(message string) {
	t.o.Logger.Warn(message)
	if t.o.Notice != nil {
		t.o.Notice(message)
	}
}

// Stored is the configuration of the run in the folder dir, for Load and for showing.
func Stored(dir string) (Config, error) {
	f := runfolder.Folder(dir)
	from, err := newestOf(f)
	if err != nil {
		return Config{}, err
	}
	c, err := configOf(from, f)
	if err != nil {
		return c, err
	}
	c.Data.firstRule = true
	return c, nil
}

// build makes everything of a run that is in memory.
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
	if err := cfg.Data.needsPictures(sets); err != nil {
		return nil, err
	}
	if _, err := cpu.Instructions(); err != nil {
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
	if cfg.Net, err = fit(cfg.Net, sets.Train); err != nil {
		return nil, err
	}
	if err := cfg.suits(sets); err != nil {
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
	cpu.SetThreads(t.cfg.Threads)
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

// fit gives the network the size of the pictures.
func fit(c nets.Config, d *items) (nets.Config, error) {
	channels, height, width := d.Shape()
	if cmp.Or(c.InChannels, channels) != channels || cmp.Or(c.Height, height) != height || cmp.Or(c.Width, width) != width {
		return c, field.Errorf("trainer", "", "%s, %s and %s are %d, %d and %d, but the pictures are %d×%d×%d (channels, height, width): "+
			"leave the former at 0, or set %s, %s and %s", field.Name("Net.InChannels"), field.Name("Net.Height"), field.Name("Net.Width"),
			c.InChannels, c.Height, c.Width, channels, height, width, field.Name("Data.Channels"), field.Name("Data.Height"), field.Name("Data.Width"))
	}
	c.InChannels, c.Height, c.Width = channels, height, width
	return c, nil
}

// makeSampler makes the sampler, and of epochs steps.
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

// assemble builds what learns, and brings the pictures to the device.
func (t *Trainer) assemble(device *machine.Device) (err error) {
	t.learner, err = newLearner(t.cfg, learnerParts{
		net: t.cfg.Net, device: device, batch: t.Batch(), evalBatch: t.cfg.EvalBatch, rate: t.o.Rate, scales: t.o.LRScales,
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
	if err := t.batches.pinPictures(t.train, device, t.o.Notice); err != nil {
		return err
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

// restore takes over a checkpoint.
func (t *Trainer) restore(c *checkpoint) error {
	if err := c.data.same(t.fingerprint); err != nil {
		return err
	}
	if err := c.restore(t.params, t.solver); err != nil {
		return err
	}
	t.device.Wrote(t.tensors()...)
	t.state = c.state
	if w, ok := t.schedule.(optim.Watching); ok && len(t.state.Schedule) > 0 {
		if err := json.Unmarshal(t.state.Schedule, w); err != nil {
			return errors.Wrap(err, "trainer: the schedule's state")
		}
	}
	return t.batches.restore(c.sampler, c.state.Drawn)
}

// checkpoint is the run as it stands.
func (t *Trainer) checkpoint() (*checkpoint, error) {
	if err := t.device.Read(t.tensors()...); err != nil {
		return nil, err
	}
	sampler, err := t.batches.samplerState(t.state.Step)
	if err != nil {
		return nil, err
	}
	t.state.Schedule = json.RawMessage("{}")
	if w, ok := t.schedule.(optim.Watching); ok {
		if t.state.Schedule, err = json.Marshal(w); err != nil {
			return nil, errors.Wrapf(err, "trainer: the state of the schedule %T", w)
		}
	}
	return &checkpoint{
		config: t.given, state: t.state, data: t.fingerprint, sampler: sampler,
		tensors: allTensors(t.params, t.solver),
	}, nil
}

// Config is the run's configuration with everything filled in.
func (t *Trainer) Config() Config { return t.cfg }

// Batch is the number of pictures in a batch.
func (t *Trainer) Batch() int { return t.batches.sampler.Batch() }

// Sampler is the sampler, for showing what it makes of the classes.
func (t *Trainer) Sampler() samplers.Sampler { return t.batches.sampler }

// Params is the parameters of network and loss as they are, under the prefixes backbone.,
// embedding. and loss. What is written into them, such as by Load, counts from the next Run,
// Embed or Evaluate on; it is written before that, after a call of Params.
func (t *Trainer) Params() (*graph.Params, error) {
	if err := t.use.Begin(theTrainer); err != nil {
		return nil, err
	}
	defer t.use.End()
	return t.lend()
}

// Parameters is the number of learned numbers of the network and of the loss.
func (t *Trainer) Parameters() (net, loss int) {
	for _, item := range t.params.All() {
		switch n := item.Shape().TotalSize(); {
		case item.Buffer:
		case strings.HasPrefix(item.Name, lossPrefix):
			loss += n
		default:
			net += n
		}
	}
	return net, loss
}

// Embed is the embeddings (N, E) of d's items, row-major, with the weights as they
// are: the initial ones before Run, those of the model after it.
func (t *Trainer) Embed(ctx context.Context, d datasets.Set) ([]float32, error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return nil, err
	}
	if err := t.use.Begin(theTrainer); err != nil {
		return nil, err
	}
	defer t.use.End()
	set, err := toEmbed(d)
	if err != nil {
		return nil, err
	}
	t.takeBack(t.stage == settled)
	return t.embed(ctx, set, "embedding "+set.noun())
}

// toEmbed is a set that somebody gave to be embedded; its labels may be anything.
func toEmbed(d datasets.Set) (*items, error) {
	if err := datasets.CheckShape(d); err != nil {
		return nil, errors.WithMessage(err, "trainer")
	}
	return itemsOf(d), nil
}

const theTrainer = "trainer: the Trainer"

// embed is Embed for those who use the trainer already; the hooks are told of it as that work.
func (t *Trainer) embed(ctx context.Context, d *items, work string) ([]float32, error) {
	e, err := t.embedder()
	if err != nil {
		return nil, err
	}
	x, err := e.Set(ctx, d.Set, t.data.Norm, func(done, total int) { t.progress(ctx, work, done, total) })
	if err != nil && d.dataset() == nil && ctx.Err() == nil {
		return nil, errors.WithMessagef(err, "trainer: embedding at step %d", t.state.Step)
	}
	return x, err
}

// EmbedUntrained is Embed with the weights as they were initialised, also in a resumed
// run or after it.
func (t *Trainer) EmbedUntrained(ctx context.Context, d datasets.Set) ([]float32, error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return nil, err
	}
	if err := t.use.Begin(theTrainer); err != nil {
		return nil, err
	}
	defer t.use.End()
	set, err := toEmbed(d)
	if err != nil {
		return nil, err
	}
	return t.embedUntrained(ctx, set)
}

// embedUntrained is EmbedUntrained for those who use the trainer already.
func (t *Trainer) embedUntrained(ctx context.Context, d *items) ([]float32, error) {
	params := graph.NewParams(t.cfg.Seed)
	e, err := model.NewEmbedder(t.cfg.Net, params, t.cfg.EvalBatch, t.device)
	if err != nil {
		return nil, err
	}
	defer func() {
		e.Close()
		t.device.Release(graph.Tensors(params)...)
	}()
	return e.Set(ctx, d.Set, t.data.Norm, func(done, total int) {
		t.progress(ctx, "embedding pictures with the initial weights", done, total)
	})
}

// EmbeddingSize is the length E of an embedding.
func (t *Trainer) EmbeddingSize() int { return t.train.size }

// Evaluate measures retrieval and clustering among d's items.
func (t *Trainer) Evaluate(ctx context.Context, d datasets.Set) (metrics.Result, error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return metrics.Result{}, err
	}
	if err := t.use.Begin(theTrainer); err != nil {
		return metrics.Result{}, err
	}
	defer t.use.End()
	set, err := toEmbed(d)
	if err != nil {
		return metrics.Result{}, err
	}
	t.takeBack(t.stage == settled)
	if err := datasets.Check(set.Set, t.data.Train.Set); err != nil {
		return metrics.Result{}, errors.WithMessage(err, "trainer: evaluation")
	}
	return t.measure(ctx, set, true)
}

// Close gives back what the run holds; the data stay open.
func (t *Trainer) Close() error {
	if err := t.use.Begin(theTrainer); err != nil {
		return err
	}
	defer t.use.End()
	if t.running {
		return errors.New("trainer: Close is called by a hook: return an error to end the run, or end its context, and close the Trainer after Run")
	}
	err := t.figures.active.close()
	if t.held != nil {
		if e := t.held.Close(); err == nil {
			err = e
		}
		t.held = nil
	}
	if e := t.close(); err == nil {
		err = e
	}
	return err
}
