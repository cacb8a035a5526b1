package trainer

import (
	"fmt"
	"os"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/runfolder"
)

// generation is the checkpoint that a run goes on from.
type generation = runfolder.Generation[*checkpoint]

// newestOf reads the newest checkpoint of a run folder that is whole.
func newestOf(f runfolder.Folder) (generation, error) {
	g, err := runfolder.Newest(f, func(path string) (*checkpoint, int, error) {
		c, err := readCheckpoint(path)
		if err != nil {
			return nil, 0, err
		}
		return c, c.state.Step, nil
	})
	return g, inTrainer(err)
}

// configOf is the configuration of the run: of the checkpoint, or of the folder.
func configOf(g generation, f runfolder.Folder) (Config, error) {
	if g.Checkpoint != nil {
		return g.Checkpoint.config, nil
	}
	return readConfig(f)
}

// checkOwner refuses the checkpoint of a run that was configured otherwise.
func checkOwner(f runfolder.Folder, c *checkpoint, name string) error {
	own, err := readConfig(f)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the checkpoint knows it too
	}
	if err != nil {
		return errors.Wrapf(err, "trainer: the configuration is damaged; the checkpoint holds it too: remove %s to go on", f.Path(StoredFile))
	}
	if fields := runDifferences(own, c.config); len(fields) > 0 {
		return errors.Errorf("trainer: %s is of another run: %s says otherwise about %s; put back the checkpoint of this run, or begin a new one",
			f.Path(name), StoredFile, strings.Join(fields, ", "))
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
	path := t.dir.Path(BestFile)
	_, err := t.readBest(BestFile)
	switch {
	case err == nil:
		return nil
	case s.BestStep == s.Step: // the state is the best; the process may have been killed before it wrote that
		t.lostBest = true
		if !errors.Is(err, os.ErrNotExist) && runfolder.IsDamage(err) {
			t.notice(fmt.Sprintf("%v; it is written anew", err))
		}
		return nil
	case !runfolder.IsDamage(err) && !errors.Is(err, os.ErrNotExist):
		return errors.Wrapf(err, "trainer: the best weights, of step %d: put them back, or remove %s", s.BestStep, path)
	}
	if _, e := t.readBest(PreviousFile); e == nil {
		if err := t.dir.Copy(PreviousFile, BestFile); err != nil {
			return errors.Wrap(err, "trainer")
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
	path := t.dir.Path(name)
	c, err := readCheckpoint(path)
	if err != nil {
		return nil, err
	}
	s := &t.state
	if c.state.Step != s.BestStep {
		return nil, errors.Errorf("trainer: %s is of step %d, want the best step %d: it was exchanged", path, c.state.Step, s.BestStep)
	}
	c.config.Sampler = firstSizes(c.config.Sampler)
	if fields := runDifferences(t.given, c.config); len(fields) > 0 {
		return nil, errors.Errorf("trainer: %s is of another run, which differs in %s", path, strings.Join(fields, ", "))
	}
	if err := c.data.check(t.fingerprint); err != nil {
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
