package runfolder

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
	"medusa/internal/filewrite"
)

// The files of a run folder.
const (
	ConfigFile     = "config.yaml"             // for people
	StoredFile     = "checkpoints/config.yaml" // for the program
	MetricsFile    = "metrics.jsonl"
	ModelFile      = "model.safetensors"
	ReportFile     = "report.html"
	ResultFile     = "result.json"
	LastFile       = "checkpoints/last.safetensors"
	PreviousFile   = "checkpoints/previous.safetensors" // what LastFile was before
	BestFile       = "checkpoints/best.safetensors"
	EmbeddingsFile = "embeddings.safetensors"
	LeftOutFile    = "left-out.csv"
	EventsDir      = "tensorboard"
)

const checkpoints = "checkpoints"

// TempPrefix marks files that are being written; a killed process may leave one.
const TempPrefix = filewrite.TempPrefix

// Folder is the path of a run folder.
type Folder string

// Path is that of one of the folder's files.
func (f Folder) Path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// Create makes the folder, which must be new or empty.
func (f Folder) Create() error {
	if f == "" {
		return errors.New("no run folder is given")
	}
	if err := os.MkdirAll(string(f), 0o777); err != nil {
		return explain(err, "run folder")
	}
	if err := f.Vacant(); err != nil {
		return err
	}
	return explain(os.MkdirAll(f.Path(checkpoints), 0o777), "run folder")
}

// Vacant returns nil if Create can make the folder as far as is seen without writing: it is new
// or empty, or holds only what a run leaves that was killed before it began.
func (f Folder) Vacant() error {
	for _, name := range []string{".", checkpoints} {
		entries, err := os.ReadDir(f.Path(name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return explain(err, "run folder")
		}
		for _, e := range entries {
			if f.neverBegan(name, e) {
				continue
			}
			return errors.Errorf("run folder %s is not empty (it holds %s): resume the run in it, or name another folder",
				f, filepath.Join(name, e.Name()))
		}
	}
	return nil
}

// neverBegan reports whether e, in the folder or in its checkpoints, is what a run leaves that
// was killed before it had its configuration in place.
func (f Folder) neverBegan(in string, e os.DirEntry) bool {
	switch info, err := e.Info(); {
	case err != nil:
		return false
	case strings.HasPrefix(e.Name(), TempPrefix):
		return true
	case in == checkpoints:
		_, err := os.Stat(f.Path(ConfigFile)) // written after the stored one
		return e.Name() == filepath.Base(StoredFile) && errors.Is(err, os.ErrNotExist)
	case e.Name() == checkpoints:
		return info.IsDir()
	default:
		return e.Name() == MetricsFile && info.Mode().IsRegular() && info.Size() == 0
	}
}

// Remove takes away what was made of a run that could not begin; the folder itself only if it is
// new.
func (f Folder) Remove(isNew bool) {
	for _, name := range []string{ConfigFile, StoredFile, MetricsFile, LeftOutFile, checkpoints} {
		os.Remove(f.Path(name))
	}
	if isNew {
		os.Remove(string(f))
	}
}

// Sweep removes the files that a killed process left half written. The folder must be locked.
func (f Folder) Sweep() {
	for _, pattern := range []string{TempPrefix + "*", checkpoints + "/" + TempPrefix + "*"} {
		left, _ := filepath.Glob(f.Path(pattern))
		for _, name := range left {
			os.Remove(name)
		}
	}
}

// Write puts a file in place whole or not at all.
func (f Folder) Write(name string, content func(io.Writer) error) error {
	path := f.Path(name)
	return explain(filewrite.Whole(path, content), "writing "+path)
}

// WriteBytes is Write of bytes.
func (f Folder) WriteBytes(name string, content []byte) error {
	return f.Write(name, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Has reports whether there is a file of that name.
func (f Folder) Has(name string) (bool, error) {
	_, err := os.Stat(f.Path(name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, explain(err, f.Path(name))
}

// Discard removes a file if it is there.
func (f Folder) Discard(name string) error {
	info, err := os.Stat(f.Path(name))
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return explain(os.Remove(f.Path(name)), "removing "+f.Path(name))
}

// Sum is the SHA-256 of a file.
func (f Folder) Sum(name string) (string, error) {
	file, err := fileread.Open(f.Path(name))
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", errors.Wrap(err, f.Path(name))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
