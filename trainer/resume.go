package trainer

import (
	"encoding/json"

	"github.com/pkg/errors"

	"medusa/internal/runfolder"
	"medusa/optim"
)

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
	t, err := resume(dir, data, o)
	if err != nil {
		held.Close()
		return nil, err
	}
	t.lock = held
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

// resume makes the run of a folder that this process has locked.
func resume(dir runfolder.Folder, data Data, o Options) (*Trainer, error) {
	from, err := newestOf(dir)
	if err != nil {
		return nil, err
	}
	cfg, err := configOf(from, dir)
	if err != nil {
		return nil, err
	}
	cfg.Sampler = firstSizes(cfg.Sampler)
	if cfg, err = o.reapplyTo(cfg); err != nil {
		return nil, err
	}
	was := cfg
	if cfg, err = o.longer(cfg); err != nil {
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
	err = t.continueFrom(from)
	if err == nil && o.Steps+o.Epochs > 0 {
		if err = t.checkLonger(was); err == nil {
			err = t.lengthen()
		}
	}
	if err != nil {
		t.Close()
		return nil, errors.Wrapf(err, "trainer: resuming %s", o.Dir)
	}
	return t, nil
}

// continueFrom goes on from a checkpoint, and tells what was wrong with others.
func (t *Trainer) continueFrom(from generation) error {
	if from.Checkpoint == nil { // it came to none
		if err := t.loadWeights(); err != nil {
			return err
		}
	} else {
		if err := t.restore(from.Checkpoint); err != nil {
			return err
		}
		if err := checkOwner(t.dir, from.Checkpoint, from.Name); err != nil {
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

// restore takes over a checkpoint.
func (t *Trainer) restore(c *checkpoint) error {
	if err := c.data.check(t.fingerprint); err != nil {
		return err
	}
	if err := t.rebuild(c.state.Step); err != nil {
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
