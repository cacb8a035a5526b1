package trainer

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
	"medusa/internal/filewrite"
)

// The files of a run folder.
const (
	ConfigFile  = "config.yaml"             // for people: Options.ConfigText, or else the Config
	StoredFile  = "checkpoints/config.yaml" // the Config, for Stored and Resume
	MetricsFile = "metrics.jsonl"
	ModelFile   = "model.safetensors"
	ReportFile  = "report.html"
	ResultFile  = "result.json" // the last one written: with it the run is finished
	LastFile    = "checkpoints/last.safetensors"
	BestFile    = "checkpoints/best.safetensors"

	// PreviousFile is what LastFile was before; Resume takes it where LastFile is damaged.
	PreviousFile = "checkpoints/previous.safetensors"

	// EmbeddingsFile holds the embeddings of the measured pictures, to search or to plot.
	EmbeddingsFile = "embeddings.safetensors"
	// LeftOutFile lists the files that were left out and why; there is none if all were taken.
	LeftOutFile = "left-out.csv"
)

// tempPrefix marks files that are being written; a killed run may leave one.
const tempPrefix = filewrite.TempPrefix

// folder is a run's folder.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// create makes the folder, which must be new or empty.
func (f folder) create() error {
	if f == "" {
		return errors.New("trainer: no run folder is given")
	}
	if err := os.MkdirAll(string(f), 0o777); err != nil {
		return saying(err, "run folder")
	}
	if err := Vacant(string(f)); err != nil {
		return err
	}
	return saying(os.MkdirAll(f.path(checkpoints), 0o777), "run folder")
}

// Vacant is nil if New can take dir for a run folder as far as is seen without writing:
// it is new or empty.
func Vacant(dir string) error {
	f := folder(dir)
	for _, name := range []string{".", checkpoints} {
		entries, err := os.ReadDir(f.path(name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return saying(err, "run folder")
		}
		for _, e := range entries {
			if f.unborn(name, e) {
				continue
			}
			return errors.Errorf("trainer: run folder %s is not empty (it holds %s): resume the run in it, or name another folder",
				f, filepath.Join(name, e.Name()))
		}
	}
	return nil
}

// unborn reports whether e, in the folder or in its checkpoints, is what a run leaves that
// was killed before it had its configuration in place.
func (f folder) unborn(in string, e os.DirEntry) bool {
	switch info, err := e.Info(); {
	case err != nil:
		return false
	case strings.HasPrefix(e.Name(), tempPrefix):
		return true
	case in == checkpoints:
		_, err := os.Stat(f.path(ConfigFile)) // written after the stored one
		return e.Name() == filepath.Base(StoredFile) && errors.Is(err, os.ErrNotExist)
	case e.Name() == checkpoints:
		return info.IsDir()
	default:
		return e.Name() == MetricsFile && info.Mode().IsRegular() && info.Size() == 0
	}
}

// undo takes away what New made of a run that could not begin; the folder itself only if
// it is new.
func (f folder) undo(isNew bool) {
	for _, name := range []string{ConfigFile, StoredFile, MetricsFile, LeftOutFile, checkpoints} {
		os.Remove(f.path(name))
	}
	if isNew {
		os.Remove(string(f))
	}
}

const checkpoints = "checkpoints"

// sweep removes what a killed run left half written.
func (f folder) sweep() {
	for _, pattern := range []string{tempPrefix + "*", checkpoints + "/" + tempPrefix + "*"} {
		left, _ := filepath.Glob(f.path(pattern))
		for _, name := range left {
			os.Remove(name)
		}
	}
}

// write puts a file in place whole or not at all.
func (f folder) write(name string, content func(io.Writer) error) error {
	path := f.path(name)
	return saying(filewrite.Whole(path, content), "writing "+path)
}

// saying adds what was done and, where it is known, the way out.
func saying(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case isAny(err, diskFull):
		return errors.Wrapf(err, "trainer: %s: the disk is full; what was there before is whole: free some space and resume", doing)
	case errors.Is(err, os.ErrPermission), isAny(err, readOnly):
		return errors.Wrapf(err, "trainer: %s: the folder cannot be written to; choose another one", doing)
	}
	return errors.Wrapf(err, "trainer: %s", doing)
}

// rotate is write, but what the file name held before goes to previous.
func (f folder) rotate(name, previous string, content func(io.Writer) error) error {
	path := f.path(name)
	return saying(filewrite.Rotate(path, f.path(previous), content), "writing "+path)
}

// isAny reports whether err is one of targets.
func isAny(err error, targets []error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// writeConfig stores c, and for people text, or c again if text is nil.
func (f folder) writeConfig(c Config, text []byte) error {
	stored, err := configText(c)
	if err != nil {
		return err
	}
	if text == nil {
		text = stored
	}
	// The stored one first: with it there is a run to resume.
	if err := f.writeBytes(StoredFile, withSum(stored)); err != nil {
		return err
	}
	return f.writeBytes(ConfigFile, text)
}

// completeConfig writes config.yaml of a run that was killed before it had one, or lost it.
func (f folder) completeConfig(c Config, text []byte) error {
	if _, err := os.Stat(f.path(ConfigFile)); !errors.Is(err, os.ErrNotExist) {
		return saying(err, "configuration")
	}
	if text == nil {
		var err error
		if text, err = configText(c); err != nil {
			return err
		}
	}
	return f.writeBytes(ConfigFile, text)
}

func (f folder) writeBytes(name string, content []byte) error {
	return f.write(name, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// readConfig reads the stored Config; unknown keys are refused.
func (f folder) readConfig() (c Config, err error) {
	path := f.path(StoredFile)
	text, err := fileread.Regular(path, maxConfigBytes)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return c, errors.Wrapf(err, "trainer: %s holds no run", f)
	case err != nil:
		return c, errors.Wrap(err, "trainer")
	}
	if err := checkSum(text); err != nil {
		return c, errors.Wrapf(err, "trainer: %s", path)
	}
	c, err = parseConfig(text)
	c.Data.Range = storedRange(c.Data.Range)
	return c, errors.Wrapf(err, "trainer: %s", path)
}
