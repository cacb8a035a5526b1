package trainer

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/internal/device/cpu"
	"medusa/internal/exclusive"
	"medusa/internal/field"
	"medusa/internal/needs"
	"medusa/losses"
	"medusa/machine"
	"medusa/metrics"
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
	use    exclusive.Use
	given  Config // as it is stored: defaults filled in, Epochs not yet turned into Steps
	cfg    Config
	fitted []Fitted
	data   runData
	o      Options
	dir    folder

	params   *graph.Params // of the network and the loss
	loss     losses.Loss
	step     *step
	solver   *optim.Solver
	device   *machine.Device // nil is the CPU
	averaged *graph.Params   // what is measured and saved: the averages, or params
	eval     *embedder       // over averaged, made when first needed
	views    viewing         // what evaluations embed
	sampler  samplers.Sampler
	schedule optim.Schedule

	state       state
	samplerAt   []byte            // sampler's state, state.Drawn batches ago
	observer    samplers.Observer // the sampler if it draws by embeddings, else nil
	fingerprint fingerprint
	held        *os.File // metrics.jsonl before Run, by which no other process takes the run
	journal     *journal
	board       *board
	lent        bool // Params was called: the host's parameters may be newer than the device's
	pace        pace
	monitor     *monitor       // nil if the loss does not tell its active share
	batches     *deviceBatches // nil if the host makes them
	engine      *engine
	flights     []flight  // steps under way
	landing     time.Time // when the last one ended
	moved       moved
	info        StepInfo
	leftOut     string        // path of the list of what was left out
	unsaved     bool          // whether the state has changed since the last checkpoint
	lostBest    bool          // whether the best checkpoint must be written anew, from the state as it is
	finished    *storedResult // of a run that came to its end before; nil for others
	untrained   []float32     // embeddings of the measured pictures before training, for the report; nil in a resumed run
	ran         bool
	settled     bool // the run is over, and the weights are those of the model
	running     bool
}

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
	if err := t.found(); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// found makes the run folder.
func (t *Trainer) found() (err error) {
	_, was := os.Stat(string(t.dir))
	if err := t.dir.create(); err != nil {
		return err
	}
	if t.held, err = t.dir.hold(); err != nil {
		return err
	}
	if err := t.dir.create(); err != nil { // another process may have been faster
		return err
	}
	t.dir.sweep()
	err = t.dir.writeConfig(t.given, t.o.ConfigText)
	if err == nil {
		t.leftOut, err = t.dir.writeLeftOut(t.data.data())
	}
	if err != nil {
		t.dir.undo(errors.Is(was, os.ErrNotExist))
		return errors.WithMessage(err, "trainer: the run was not begun")
	}
	return nil
}

// Resume prepares to go on with the run in the folder o.Dir, from its last checkpoint or
// from the start if it had none yet. data must be what Load makes of the run's
// configuration, which Stored tells.
func Resume(data Data, o Options) (*Trainer, error) {
	dir := folder(o.Dir)
	if _, err := Stored(o.Dir); err != nil { // nothing is opened in a folder that holds no run
		return nil, err
	}
	held, err := dir.hold()
	if err != nil {
		return nil, err
	}
	t, err := goOn(dir, data, o)
	if err != nil {
		held.Close()
		return nil, err
	}
	t.held = held
	dir.sweep()
	err = dir.completeConfig(t.given, o.ConfigText)
	if err == nil {
		t.leftOut, err = dir.writeLeftOut(data)
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// goOn makes the run of a folder that is held.
func goOn(dir folder, data Data, o Options) (*Trainer, error) {
	from, err := dir.newest()
	if err != nil {
		return nil, err
	}
	cfg, err := from.config(dir)
	if err != nil {
		return nil, err
	}
	cfg.Sampler = firstSizes(cfg.Sampler)
	if cfg, err = o.again(cfg); err != nil {
		return nil, err
	}
	if from.checkpoint != nil {
		if err := o.sameRates(from.checkpoint.state); err != nil {
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
func (t *Trainer) takeOver(from recovery) error {
	if from.checkpoint != nil {
		if err := t.restore(from.checkpoint); err != nil {
			return err
		}
		if err := t.dir.owns(from.checkpoint, from.name); err != nil {
			return err
		}
		if !from.checkpoint.data.knowsPixels() {
			t.notice("the checkpoint is of an earlier version, which did not remember the pixels of its pictures: see to it yourself that they are the same")
		}
		t.unsaved = from.name != LastFile
	}
	if err := t.checkBest(); err != nil {
		return err
	}
	if err := from.tell(t.dir, t.notice); err != nil {
		return err
	}
	if from.checkpoint == nil || from.name == LastFile {
		t.finished = t.dir.ownResult(from.checkpoint, t.notice)
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
	f := folder(dir)
	from, err := f.newest()
	if err != nil {
		return Config{}, err
	}
	c, err := from.config(f)
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
	t := &Trainer{data: sets, o: o, dir: folder(o.Dir), unsaved: true}
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
	if cfg, t.fitted, err = cfg.Fit(data, o.Naming); err != nil {
		return nil, err
	}
	t.given, t.cfg = cfg, cfg
	t.cfg.Keep = cmp.Or(o.Keep, cfg.Keep)
	t.cfg.Threads, t.cfg.Data.Workers = cmp.Or(o.Threads, cfg.Threads), cmp.Or(o.Workers, cfg.Data.Workers)
	cpu.SetThreads(t.cfg.Threads)
	if err := t.draw(); err != nil {
		return nil, err
	}
	if t.device, err = machine.Open(cmp.Or(o.Device, cfg.Device), machine.Options{TF32: cfg.TF32, AnyOrder: cfg.AnyOrder, Log: o.Notice}); err != nil {
		return nil, errors.Wrap(err, "trainer")
	}
	t.cfg.Device = t.device.Name()
	t.device.CheckByHand() // by the solver
	if err := t.assemble(); err != nil {
		t.device.Close()
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

// draw makes the sampler, and of epochs steps.
func (t *Trainer) draw() (err error) {
	if t.sampler = t.o.Sampler; t.sampler != nil {
		err = checkSampler(t.sampler)
	} else {
		t.sampler, err = samplers.Of(sampled(t.data.Train, t.cfg.Seed), t.cfg.Sampler)
		err = field.Under(err, "trainer", "Sampler")
	}
	if err != nil {
		return err
	}
	t.noticeLeftOut()
	if t.cfg.Epochs > 0 {
		t.cfg.Steps, t.cfg.Epochs = t.cfg.Epochs*t.sampler.BatchesPerEpoch(), 0
		t.cfg = t.cfg.Defaults()
	}
	if t.observer, _ = t.sampler.(samplers.Observer); t.observer != nil {
		if err := t.observer.Delay(observerDelay); err != nil {
			return err
		}
	}
	t.samplerAt, err = t.sampler.State()
	return err
}

// assemble builds the graph of training and its solver.
func (t *Trainer) assemble() (err error) {
	t.params = graph.NewParams(t.cfg.Seed)
	if err := scaleRates(t.params, t.o.LRScales); err != nil {
		return err
	}
	if err := checkParts(t.sampler.Batch(), t.cfg.Accumulate); err != nil {
		return err
	}
	t.step, t.loss, err = newStep(t.cfg.Net, t.params, t.sampler.Batch(), t.cfg.Accumulate, t.device, func(embedding, trunk int) (losses.Loss, error) {
		return lossOf(t.o.Loss, t.cfg.Loss, losses.Setting{
			Classes: t.data.Train.NumClasses(), EmbeddingSize: embedding, TrunkSize: trunk, Seed: t.cfg.Seed,
			ClassNames: t.data.Train.Classes(),
		})
	})
	if err != nil {
		return err
	}
	if err := checkRates(t.params, t.o.LRScales); err != nil {
		return err
	}
	if t.monitor, err = newMonitor(t.loss, t.sampler.Batch(), t.step, t.params, t.device); err != nil {
		return err
	}
	if t.views, err = newViewing(t.cfg.EvalViews, t.cfg.Data.Detail); err != nil {
		return err
	}
	average, eval, err := averaging(t.cfg, t.cfg.Net, t.params, t.cfg.EvalBatch, t.device)
	if err != nil {
		return err
	}
	if eval != nil {
		eval.views = t.views
	}
	if t.averaged, t.eval = t.params, eval; average != nil {
		t.averaged = average.Into
	}
	if t.solver, err = newSolver(t.cfg, t.step, t.device, t.o.Rate, average); err != nil {
		return err
	}
	if t.engine, err = newEngine(t.step, t.solver, t.device, t.params); err != nil {
		return err
	}
	t.moved.dev, t.moved.lossRests = t.device, losses.RestsAtFirst(t.loss)
	if err := t.keepPictures(); err != nil {
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
	if err := t.sampler.Restore(c.sampler); err != nil {
		return err
	}
	t.samplerAt = slices.Clone(c.sampler)
	skipped := make([]int, t.sampler.Batch())
	for range c.state.Drawn {
		if err := t.sampler.Next(skipped); err != nil {
			return err
		}
	}
	return nil
}

// state of learning as the device holds it: everything that a checkpoint keeps.
func (t *Trainer) tensors() [][]float32 {
	tensors := graph.Tensors(t.params)
	for _, s := range t.solver.State() {
		tensors = append(tensors, s.F32)
	}
	return tensors
}

// fetch brings what the device learned to the host.
func (t *Trainer) fetch() error { return t.device.Read(t.tensors()...) }

// checkpoint is the run as it stands.
func (t *Trainer) checkpoint() (*checkpoint, error) {
	if err := t.fetch(); err != nil {
		return nil, err
	}
	if t.observer != nil {
		var err error
		if t.samplerAt, err = t.observer.StateAt(t.state.Step); err != nil {
			return nil, err
		}
	}
	t.state.Schedule = json.RawMessage("{}")
	if w, ok := t.schedule.(optim.Watching); ok {
		var err error
		if t.state.Schedule, err = json.Marshal(w); err != nil {
			return nil, errors.Wrapf(err, "trainer: the state of the schedule %T", w)
		}
	}
	return &checkpoint{
		config: t.given, state: t.state, data: t.fingerprint, sampler: t.samplerAt,
		tensors: allTensors(t.params, t.solver),
	}, nil
}

// Config is the run's configuration with everything filled in.
func (t *Trainer) Config() Config { return t.cfg }

// Batch is the number of pictures in a batch.
func (t *Trainer) Batch() int { return t.sampler.Batch() }

// Sampler is the sampler, for showing what it makes of the classes.
func (t *Trainer) Sampler() samplers.Sampler { return t.sampler }

// Params is the parameters of network and loss as they are, under the prefixes backbone.,
// embedding. and loss. What is written into them, such as by Load, counts from the next Run,
// Embed or Evaluate on; it is written before that, after a call of Params.
func (t *Trainer) Params() (*graph.Params, error) {
	if err := t.use.Begin(theTrainer); err != nil {
		return nil, err
	}
	defer t.use.End()
	t.lent = true
	return t.params, errors.Wrap(t.device.Read(graph.Tensors(t.params)...), "trainer")
}

// takeBack tells the device that the host may have written into Params.
func (t *Trainer) takeBack() error {
	if !t.lent {
		return nil
	}
	t.lent = false
	t.device.Wrote(graph.Tensors(t.params)...)
	if t.solver.Steps() > 0 && !t.settled {
		return nil // averages follow what was written
	}
	return t.solver.StartAverages()
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
	t.takeBack()
	return t.embed(ctx, set, "embedding "+set.noun())
}

// toEmbed is a set that somebody gave to be embedded; its labels may be anything.
func toEmbed(d datasets.Set) (*items, error) {
	set := itemsOf(d)
	if set == nil {
		return nil, errors.New("trainer: there is no set to embed: it is nil")
	}
	return set, errors.WithMessage(set.checkShape(), "trainer")
}

const theTrainer = "trainer: the Trainer"

// embed is Embed for those who use the trainer already; the hooks are told of it as that work.
func (t *Trainer) embed(ctx context.Context, d *items, work string) ([]float32, error) {
	if t.eval == nil {
		eval, err := t.newEmbedder(t.averaged)
		if err != nil {
			return nil, err
		}
		t.eval = eval
	}
	x, err := t.eval.datasetTelling(ctx, d, t.data.Norm, func(done, total int) { t.progress(ctx, work, done, total) })
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
	e, err := t.newEmbedder(params)
	if err != nil {
		return nil, err
	}
	defer func() {
		e.close()
		t.device.Release(graph.Tensors(params)...)
	}()
	return e.datasetTelling(ctx, d, t.data.Norm, func(done, total int) {
		t.progress(ctx, "embedding pictures with the initial weights", done, total)
	})
}

// EmbeddingSize is the length E of an embedding.
func (t *Trainer) EmbeddingSize() int {
	return t.views.width(t.step.size)
}

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
	t.takeBack()
	if err := set.check(t.data.Train); err != nil {
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
	err := t.step.close()
	if e := t.monitor.close(); err == nil {
		err = e
	}
	if t.held != nil {
		if e := t.held.Close(); err == nil {
			err = e
		}
		t.held = nil
	}
	if e := t.eval.close(); err == nil {
		err = e
	}
	if e := t.device.Close(); err == nil {
		err = e
	}
	return err
}
