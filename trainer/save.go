package trainer

import (
	"context"

	"github.com/pkg/errors"
)

// saveIfDue is the hook that writes the last checkpoint: before the first step, every
// CheckpointEvery steps, and at the end.
func (t *Trainer) saveIfDue(ctx context.Context, i BetweenInfo) error {
	if t.unsaved && (i.Stop != "" || i.Step == 0 || t.checkpointDue(i.Step)) {
		return t.save(ctx, LastFile, "last")
	}
	return nil
}

// checkpointDue reports whether CheckpointEvery asks for a checkpoint behind the step of that number.
func (t *Trainer) checkpointDue(number int) bool {
	every := t.cfg.CheckpointEvery
	return every > 0 && number%every == 0
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

// saveBest writes the last checkpoint, which knows the best one by its weights, and then
// the best one. A process that is killed in between finds in the last what it has to write.
func (t *Trainer) saveBest(ctx context.Context) error {
	c, err := t.checkpoint()
	if err == nil {
		t.state.BestSum, err = c.sum()
	}
	if err != nil {
		return saveError{err}
	}
	if err := t.save(ctx, LastFile, "last"); err != nil {
		return err
	}
	return t.save(ctx, BestFile, "best")
}

func (t *Trainer) tellSaved(ctx context.Context, name, kind string) error {
	i := SaveInfo{Step: t.state.Step, Path: t.dir.Path(name), Kind: kind}
	return t.tellOthers(func(h Hook) error { return h.saved(ctx, i) })
}

type saveError struct{ error }

func (e saveError) Unwrap() error        { return e.error }
func (e saveError) Is(target error) bool { return target == errSave }
