package runfolder

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"syscall"

	"github.com/pkg/errors"

	"medusa/internal/safetensors"
)

// Kinds of files of tensors, as their metadata have it.
const (
	KindCheckpoint = "checkpoint"
	KindModel      = "model"
)

// Versions of files of tensors.
const (
	Version     = "2"
	FlatVersion = "1" // parameters had names without a part before the first dot
)

// The keys of metadata that say what a file of tensors is.
const (
	KindKey    = "medusa"
	VersionKey = "version"
)

// OpenTensors reads a file of tensors of that kind, and says what is wrong with any other. An
// error that wraps os.ErrNotExist says that there is none.
func OpenTensors(path, kind string) (*safetensors.File, error) {
	file, err := safetensors.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.Wrap(err, "no "+kind)
	case errors.As(err, new(*os.PathError)) && !errors.Is(err, syscall.EIO): // such as no permission, or too many open files
		return nil, errors.Wrapf(err, "the %s cannot be read", kind)
	}
	return checkTensors(file, err, path, kind)
}

// ReadTensors is OpenTensors of size bytes that r holds; messages call them name.
func ReadTensors(r io.Reader, size int64, name, kind string) (*safetensors.File, error) {
	file, err := safetensors.Read(r, size)
	return checkTensors(file, errors.Wrap(err, name), name, kind)
}

// checkTensors says what is wrong with a file that was read, or not, if it is to be of that kind.
func checkTensors(file *safetensors.File, err error, path, kind string) (*safetensors.File, error) {
	switch {
	case err != nil:
		return nil, damageError{errors.Wrapf(err, "the %s cannot be read", kind)}
	case file.Metadata[KindKey] == "" && file.Checked:
		return nil, errors.Errorf("%s was not written by Medusa", path)
	case file.Metadata[KindKey] == "":
		return nil, damageError{errors.Errorf("%s was not written by Medusa, or is damaged", path)}
	case file.Metadata[KindKey] != kind:
		return nil, errors.Errorf("%s is a %s, want a %s", path, file.Metadata[KindKey], kind)
	case !file.Checked:
		return nil, damageError{errors.Errorf("%s has lost its checksum: the file was altered or damaged", path)}
	case file.Metadata[VersionKey] != Version && file.Metadata[VersionKey] != FlatVersion:
		return nil, errors.Errorf("%s is of format version %s, this program reads versions %s and %s", path, file.Metadata[VersionKey], FlatVersion, Version)
	}
	return file, nil
}

// SumTensors is a checksum of tensors alone: equal for equal weights, whatever else a file says.
func SumTensors(tensors []safetensors.Tensor) (string, error) {
	sum := sha256.New()
	if err := safetensors.Write(sum, &safetensors.File{Tensors: tensors}); err != nil {
		return "", errors.Wrap(err, "checkpoint")
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Intact reports whether a file of tensors is there and whole.
func (f Folder) Intact(name string) bool {
	file, err := safetensors.Open(f.Path(name))
	return err == nil && file.Checked
}
