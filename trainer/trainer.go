package trainer

import (
	"os"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/exclusive"
	"medusa/internal/runfolder"
	"medusa/optim"
	"medusa/samplers"
)

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
	lock     *runfolder.Lock // before Run
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
	if o.Steps+o.Epochs != 0 {
		return nil, errors.New("trainer: Options.Steps and Options.Epochs lengthen a run that is resumed; the length of a new one is Config.Steps or Config.Epochs")
	}
	cfg, err := o.applyTo(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.checkViews(o); err != nil {
		return nil, err
	}
	cfg, pretrained, err := cfg.fitWeights()
	if err != nil {
		return nil, err
	}
	t, err := build(cfg, data, o)
	if err != nil {
		return nil, err
	}
	if err := t.loadWeights(); err != nil {
		t.Close()
		return nil, err
	}
	t.noticeUnprepared(pretrained)
	t.noticeEqualViews()
	if err := t.startNew(); err != nil {
		t.Close()
		return nil, err
	}
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
	if t.lock, err = t.dir.Lock(); err != nil {
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

// notice tells something that a person should know.
func (t *Trainer) notice(message string) {
	t.o.Logger.Warn(message)
	if t.o.Notice != nil {
		t.o.Notice(message)
	}
}

// Config is the run's configuration with everything filled in.
func (t *Trainer) Config() Config { return t.cfg }

// Batch is the number of pictures in a batch.
func (t *Trainer) Batch() int { return t.batches.sampler.Batch() }

// Sampler is the sampler, for showing what it makes of the classes.
func (t *Trainer) Sampler() samplers.Sampler { return t.batches.sampler }

// Params is the parameters of network and loss as they are, under the prefixes backbone.,
// embedding. and loss. What is written into them, such as by Load, counts from the next Run, Embed,
// Evaluate or Verify on; it is written before that, after a call of Params.
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

const theTrainer = "trainer: the Trainer"

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
	if t.lock != nil {
		if e := t.lock.Close(); err == nil {
			err = e
		}
		t.lock = nil
	}
	if e := t.close(); err == nil {
		err = e
	}
	return err
}
