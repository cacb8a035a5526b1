package trainer

import (
	"fmt"
	"os"
	"strings"

	"github.com/pkg/errors"
)

// recovery is the checkpoint that a run goes on from, and which were no good.
type recovery struct {
	checkpoint *checkpoint // nil if the run has none yet
	name       string      // of its file
	damage     error       // of LastFile, if that is why another one was taken
}

// newest reads the last checkpoint. Where that is damaged, or was being exchanged when the
// process was killed, it takes the newest of the others that are whole: the run makes the
// same steps again from there.
func (f folder) newest() (recovery, error) {
	last, err := readCheckpoint(f.path(LastFile))
	if err == nil {
		return recovery{checkpoint: last, name: LastFile}, nil
	}
	missing := errors.Is(err, os.ErrNotExist)
	if !missing && !isDamage(err) {
		return recovery{}, err
	}
	var r recovery
	for _, name := range []string{PreviousFile, BestFile} {
		c, e := readCheckpoint(f.path(name))
		switch {
		case e == nil && (r.checkpoint == nil || c.state.Step > r.checkpoint.state.Step):
			r = recovery{checkpoint: c, name: name}
		case e != nil && missing && isDamage(e):
			err, missing = e, false
		}
	}
	switch {
	case r.checkpoint == nil && missing:
		return recovery{}, nil
	case r.checkpoint == nil:
		return recovery{}, errors.Wrapf(err, "trainer: no checkpoint is whole: begin a new run with the configuration in %s, in another folder", f.path(ConfigFile))
	case isDamage(err):
		r.damage = err
	}
	return r, nil
}

// config is the configuration of the run: of the checkpoint, or of the folder.
func (r recovery) config(f folder) (Config, error) {
	if r.checkpoint != nil {
		return r.checkpoint.config, nil
	}
	return f.readConfig()
}

const setAside = ".damaged"

// tell says that another checkpoint than the last one was taken, and puts a damaged one out
// of the way of the next.
func (r recovery) tell(f folder, notice func(string)) error {
	if r.checkpoint == nil || r.name == LastFile {
		return nil
	}
	if r.damage == nil {
		notice(fmt.Sprintf("there is no %s: going on from %s, of step %d", LastFile, r.name, r.checkpoint.state.Step))
		return nil
	}
	notice(fmt.Sprintf("going on from %s, of step %d, since another checkpoint is damaged: %v", r.name, r.checkpoint.state.Step, r.damage))
	path := f.path(LastFile)
	if err := os.Rename(path, path+setAside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return saying(err, "putting "+path+" aside")
	}
	return nil
}

// owns refuses the checkpoint of a run that was configured otherwise.
func (f folder) owns(c *checkpoint, name string) error {
	own, err := f.readConfig()
	if errors.Is(err, os.ErrNotExist) {
		return nil // the checkpoint knows it too
	}
	if err != nil {
		return errors.Wrapf(err, "trainer: the configuration is damaged; the checkpoint holds it too: remove %s to go on", f.path(StoredFile))
	}
	if fields := Differences(own, c.config); len(fields) > 0 {
		return errors.Errorf("trainer: %s is of another run: %s says otherwise about %s; put back the checkpoint of this run, or begin a new one",
			f.path(name), StoredFile, strings.Join(fields, ", "))
	}
	return nil
}

// checkBest looks, before anything is computed, whether the best weights are what the run
// knows of them.
func (t *Trainer) checkBest() error {
	s := &t.state
	if !s.HasBest || t.cfg.Keep != Best {
		return nil
	}
	path := t.dir.path(BestFile)
	_, err := t.readBest(BestFile)
	switch {
	case err == nil:
		return nil
	case s.BestStep == s.Step: // the state is the best; the process may have been killed before it wrote that
		t.lostBest = true
		if !errors.Is(err, os.ErrNotExist) && isDamage(err) {
			t.notice(fmt.Sprintf("%v; it is written anew", err))
		}
		return nil
	case !isDamage(err) && !errors.Is(err, os.ErrNotExist):
		return errors.Wrapf(err, "trainer: the best weights, of step %d: put them back, or remove %s", s.BestStep, path)
	}
	if _, e := t.readBest(PreviousFile); e == nil {
		text, e := os.ReadFile(t.dir.path(PreviousFile))
		if e == nil {
			e = t.dir.writeBytes(BestFile, text)
		}
		if e != nil {
			return errors.Wrap(e, "trainer")
		}
		t.notice(fmt.Sprintf("%v; %s has the same weights and takes its place", err, PreviousFile))
		return nil
	}
	t.notice(fmt.Sprintf("the best weights so far, of step %d, are lost (%v): put them back before the run ends, or it will have to keep the last ones", s.BestStep, err))
	return nil
}

// readBest reads a checkpoint that should hold the best weights of this run, and refuses
// those of another run or step.
func (t *Trainer) readBest(name string) (*checkpoint, error) {
	path := t.dir.path(name)
	c, err := readCheckpoint(path)
	if err != nil {
		return nil, err
	}
	s := &t.state
	if c.state.Step != s.BestStep {
		return nil, errors.Errorf("trainer: %s is of step %d, want the best step %d: it was exchanged", path, c.state.Step, s.BestStep)
	}
	c.config.Sampler = firstSizes(c.config.Sampler)
	if fields := Differences(t.given, c.config); len(fields) > 0 {
		return nil, errors.Errorf("trainer: %s is of another run, which differs in %s", path, strings.Join(fields, ", "))
	}
	if err := c.data.same(t.fingerprint); err != nil {
		return nil, errors.Wrapf(err, "trainer: %s is of another run", path)
	}
	same, err := c.hasSum(s.BestSum)
	if err != nil {
		return nil, err
	}
	if s.BestSum != "" && !same || s.BestValue != c.state.BestValue {
		return nil, errors.Errorf("trainer: %s is of another run: its weights are others than those that this run measured at step %d", path, s.BestStep)
	}
	return c, nil
}
