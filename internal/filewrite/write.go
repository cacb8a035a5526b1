// Package filewrite puts files in place whole or not at all.
package filewrite

import (
	"io"
	"os"
	"path/filepath"

	"github.com/pkg/errors"
)

// TempPrefix marks files that are being written; a process that is killed may leave one
// in the folder of its file.
const TempPrefix = ".medusa-tmp-"

// Whole makes content the content of the file at path, readable to all. The content is
// written to a new file in the same folder, which is synced and renamed, and the renaming is
// synced too: at any time path holds what was there before or all of the content. On an error
// the old file stays and the new one is removed. An error of content comes back as it is.
func Whole(path string, content func(io.Writer) error) error {
	return write(path, content, func(tmp string) error { return replace(tmp, path) })
}

// Rotate is Whole, but what path held before becomes the content of previous. In between
// there is a moment without a file at path; the one at previous is whole then.
func Rotate(path, previous string, content func(io.Writer) error) error {
	return write(path, content, func(tmp string) error {
		if err := replace(path, previous); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		Trace("rotated", path)
		return replace(tmp, path)
	})
}

// Trace is told how far the file for path has come: created, written, rotated or placed.
// Tests end the process there.
var Trace = func(stage, path string) {}

// write fills a new file in the folder of path and lets place put it where it belongs.
func write(path string, content func(io.Writer) error, place func(tmp string) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), TempPrefix+"*")
	if of := (*os.PathError)(nil); errors.As(err, &of) {
		of.Path = path
	}
	if err != nil {
		return errors.WithStack(err)
	}
	defer func() {
		if err == nil {
			return
		}
		tmp.Close()
		os.Remove(tmp.Name())
		if of := (*os.PathError)(nil); errors.As(err, &of) && of.Path == tmp.Name() {
			of.Path = path // the only name that anybody knows
		}
	}()
	Trace("created", path)
	if err := content(tmp); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return errors.WithStack(err)
	}
	if err := tmp.Sync(); err != nil {
		return errors.WithStack(err)
	}
	if err := tmp.Close(); err != nil {
		return errors.WithStack(err)
	}
	Trace("written", path)
	if err := place(tmp.Name()); err != nil {
		return errors.WithStack(err)
	}
	Trace("placed", path)
	return nil
}
