package model

import (
	"io/fs"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/runfolder"
)

// ErrClosed is the cause of errors about what is to be embedded after Close.
var ErrClosed = errors.New("model: the network is closed: embed pictures before Close")

// ErrInput is the cause of errors about a kind of input that a model does not take: pictures for one
// that learned from vectors, or vectors for one that learned from pictures.
var ErrInput = errors.New("another kind of input than the model learned from")

// PictureError is the cause of errors about a picture that cannot be read: which, why, and what was
// seen in it. A service answers it as a mistake of who sent the picture.
type PictureError = datasets.PictureError

// FileError is a model file that cannot be used. If there is none, its cause is fs.ErrNotExist.
type FileError struct {
	Path    string
	Damaged bool // it is not what was written to it
	Err     error
}

func (e *FileError) Error() string { return "model: " + e.Err.Error() }

// Unwrap is what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

func fileError(path string, err error) error {
	return errors.WithStack(&FileError{Path: path, Damaged: runfolder.IsDamage(err), Err: err})
}

// noModelIn is the error of a folder without a model file.
func noModelIn(dir string) error {
	return fileError(dir, noFile(dir+" holds no "+runfolder.ModelFile+", as the folder of a finished run does"))
}

// noFile is an error whose cause is fs.ErrNotExist.
type noFile string

func (e noFile) Error() string { return string(e) }

// Unwrap is fs.ErrNotExist.
func (e noFile) Unwrap() error { return fs.ErrNotExist }

// inputError has the cause ErrInput.
type inputError string

func (e inputError) Error() string { return "model: " + string(e) }

// Is reports whether target is ErrInput.
func (e inputError) Is(target error) bool { return target == ErrInput }
