package runfolder

import (
	"fmt"
	"io"
	"os"

	"github.com/pkg/errors"

	"medusa/internal/filewrite"
)

// Generation is the checkpoint that a run goes on from, and why it is not the last one.
type Generation[C any] struct {
	Checkpoint C
	Step       int    // that it is of
	Name       string // of its file; empty if the run has no checkpoint yet
	Damage     error  // of LastFile, if that is why another one was taken
}

// Newest reads the last checkpoint. Where that is damaged, or was being exchanged when the
// process was killed, it takes the newest of the others that are whole: the run makes the same
// steps again from there. read reads one, and says which step it is of.
func Newest[C any](f Folder, read func(path string) (c C, step int, err error)) (Generation[C], error) {
	var none, chosen Generation[C]
	c, step, err := read(f.Path(LastFile))
	if err == nil {
		return Generation[C]{Checkpoint: c, Step: step, Name: LastFile}, nil
	}
	missing := errors.Is(err, os.ErrNotExist)
	if !missing && !IsDamage(err) {
		return none, err
	}
	for _, name := range []string{PreviousFile, BestFile} {
		c, step, e := read(f.Path(name))
		switch {
		case e == nil && (chosen.Name == "" || step > chosen.Step):
			chosen = Generation[C]{Checkpoint: c, Step: step, Name: name}
		case e != nil && missing && IsDamage(e):
			err, missing = e, false
		}
	}
	switch {
	case chosen.Name == "" && missing:
		return none, nil
	case chosen.Name == "":
		return none, errors.Wrapf(err, "no checkpoint is whole: begin a new run with the configuration in %s, in another folder", f.Path(ConfigFile))
	case IsDamage(err):
		chosen.Damage = err
	}
	return chosen, nil
}

// SetAside is what the name of a damaged checkpoint ends with once it is out of the way.
const SetAside = ".damaged"

// Settle tells that another checkpoint than the last one was taken, and puts a damaged one out of
// the way of the next.
func (g Generation[C]) Settle(f Folder, notice func(string)) error {
	if g.Name == "" || g.Name == LastFile {
		return nil
	}
	if g.Damage == nil {
		notice(fmt.Sprintf("there is no %s: going on from %s, of step %d", LastFile, g.Name, g.Step))
		return nil
	}
	notice(fmt.Sprintf("going on from %s, of step %d, since another checkpoint is damaged: %v", g.Name, g.Step, g.Damage))
	path := f.Path(LastFile)
	if err := os.Rename(path, path+SetAside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return explain(err, "putting "+path+" aside")
	}
	return nil
}

// Copy makes the content of one file also that of another.
func (f Folder) Copy(from, to string) error {
	text, err := os.ReadFile(f.Path(from))
	if err != nil {
		return errors.WithStack(err)
	}
	return f.WriteBytes(to, text)
}

// rotate is Write, but what the file name held before goes to previous.
func (f Folder) rotate(name, previous string, content func(io.Writer) error) error {
	path := f.Path(name)
	return explain(filewrite.Rotate(path, f.Path(previous), content), "writing "+path)
}
