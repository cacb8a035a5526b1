package trainer

import (
	"os"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
	"medusa/internal/runfolder"
)

// The files of a run folder.
const (
	ConfigFile  = runfolder.ConfigFile // for people: Options.ConfigText, or else the Config
	StoredFile  = runfolder.StoredFile // the Config, for Stored and Resume
	MetricsFile = runfolder.MetricsFile
	ModelFile   = runfolder.ModelFile
	ReportFile  = runfolder.ReportFile
	ResultFile  = runfolder.ResultFile // the last one written: with it the run is finished
	LastFile    = runfolder.LastFile
	BestFile    = runfolder.BestFile

	// PreviousFile is what LastFile was before; Resume takes it where LastFile is damaged.
	PreviousFile = runfolder.PreviousFile

	// EmbeddingsFile holds the embeddings of the measured pictures, to search or to plot.
	EmbeddingsFile = runfolder.EmbeddingsFile
	// LeftOutFile lists the files that were left out and why; there is none if all were taken.
	LeftOutFile = runfolder.LeftOutFile
	// BoardDir is the folder of TensorBoard event files: one a process, with the figures of
	// metrics.jsonl.
	BoardDir = runfolder.EventsDir
)

// Vacant is nil if New can take dir for a run folder as far as is seen without writing:
// it is new or empty.
func Vacant(dir string) error { return inTrainer(runfolder.Folder(dir).Vacant()) }

// inTrainer adds this package's name to an error of a run's folder or of a model file.
func inTrainer(err error) error { return errors.WithMessage(err, "trainer") }

// writeConfig stores c, and for people text, or c again if text is nil.
func writeConfig(f runfolder.Folder, c Config, text []byte) error {
	stored, err := configText(c)
	if err != nil {
		return err
	}
	if text == nil {
		text = stored
	}
	// The stored configuration comes first: from then on there is a run to resume.
	if err := f.WriteBytes(StoredFile, runfolder.Signed(stored)); err != nil {
		return inTrainer(err)
	}
	return inTrainer(f.WriteBytes(ConfigFile, text))
}

// completeConfig writes config.yaml of a run that was killed before it had one, or lost it.
func completeConfig(f runfolder.Folder, c Config, text []byte) error {
	if has, err := f.Has(ConfigFile); has || err != nil {
		return inTrainer(err)
	}
	if text == nil {
		var err error
		if text, err = configText(c); err != nil {
			return err
		}
	}
	return inTrainer(f.WriteBytes(ConfigFile, text))
}

// readConfig reads the stored Config; unknown keys are refused.
func readConfig(f runfolder.Folder) (c Config, err error) {
	path := f.Path(StoredFile)
	text, err := fileread.Regular(path, maxConfigBytes)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return c, errors.Wrapf(err, "trainer: %s holds no run", f)
	case err != nil:
		return c, errors.Wrap(err, "trainer")
	}
	if err := runfolder.CheckSigned(text); err != nil {
		return c, errors.Wrapf(err, "trainer: %s", path)
	}
	c, err = parseConfig(text)
	c.Data.Range = storedRange(c.Data.Range)
	return c, errors.Wrapf(err, "trainer: %s", path)
}
