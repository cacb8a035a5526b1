package runfolder

import (
	"os"

	"github.com/pkg/errors"

	"medusa/internal/filelock"
	"medusa/internal/fileread"
)

// Lock keeps other processes out of a run folder. It is on metrics.jsonl, which is open
// meanwhile.
type Lock struct{ file *os.File }

// Lock takes the folder for this process until the Lock, or the MetricsLog made of it, is closed.
func (f Folder) Lock() (*Lock, error) {
	path := f.Path(MetricsFile)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.Errorf("%s is %s, want a file", path, fileread.Kind(info.Mode()))
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, explain(err, "opening "+path)
	}
	if err := filelock.Lock(file); err != nil {
		file.Close()
		return nil, errors.Wrapf(err, "%s is in use: another process trains in this folder", path)
	}
	return &Lock{file: file}, nil
}

// Close gives the folder back.
func (l *Lock) Close() error { return l.file.Close() }
