package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
	"medusa/trainer"
)

// maxConfigBytes is more than anybody writes.
const maxConfigBytes = 1 << 20

// readConfig sets every option that the YAML file names and the command line does not. Where
// the file is the record of a run, it says what was computed, and not where to write.
func (f *flags) readConfig(ctx context.Context, path string) error {
	raw, err := readText(ctx, path)
	if err != nil {
		return errors.Wrap(err, "-config")
	}
	var skip []string
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), trainer.StoredFile)); err == nil {
		skip = []string{"out"}
	}
	if err := f.YAML(path, raw, skip...); err != nil {
		return errors.Wrapf(err, "-config %s", path)
	}
	return f.reassign()
}

// readRecord sets every option as config.yaml of a run says.
func (f *flags) readRecord(path string) error {
	raw, err := fileread.Regular(path, maxConfigBytes)
	if err != nil {
		return errors.Wrap(err, "config")
	}
	if err := f.YAML(path, raw, "out"); err != nil {
		return errors.Wrapf(err, "config %s", path)
	}
	return f.reassign()
}

// readText reads a file or a pipe, which may be slow, until ctx ends.
func readText(ctx context.Context, path string) ([]byte, error) {
	type outcome struct {
		text []byte
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		file, err := os.Open(path)
		if err != nil {
			read <- outcome{err: err}
			return
		}
		defer file.Close()
		text, err := fileread.Limited(file, path, maxConfigBytes)
		read <- outcome{text, err}
	}()
	select {
	case o := <-read:
		return o.text, o.err
	case <-ctx.Done():
		return nil, errors.Wrapf(ctx.Err(), "stopped while %s was read", path)
	}
}

// writeConfig is the configuration as YAML that -config reads back.
func (f *flags) writeConfig() ([]byte, error) { return f.Write(true) }
