package cli

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/filewrite"
)

// canWrite says before the work what would keep its result from being written, in the words of a flag.
func canWrite(path, called string) error {
	switch why, err := whyNotWritable(path); {
	case err != nil:
		return err
	case why != "":
		return wrong("%s %s: %s", field.Name(called), path, why)
	}
	return nil
}

// canReplace is canWrite of a file that none may be there of, unless -overwrite is given. example is a name for it in a
// folder.
func canReplace(path, called, example string, overwrite bool) error {
	switch info, err := os.Stat(path); {
	case err != nil: // canWrite finds out why, if that matters
	case info.IsDir():
		return notAFolder(path, called, example)
	case !overwrite:
		return wrong("%s %s is there already: name another file, or add %s", field.Name(called), path, field.Name("-overwrite"))
	}
	return canWrite(path, called)
}

// notAFolder says that a flag names a folder in the place of a file.
func notAFolder(path, called, example string) error {
	return wrong("%s %s is a folder: name a file in it, such as %s", field.Name(called), path, filepath.Join(path, example))
}

// whyNotWritable tries to make a file beside path; why is empty if that can be done.
func whyNotWritable(path string) (why string, err error) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "there is no folder " + dir, nil
	}
	f, err := os.CreateTemp(dir, filewrite.TempPrefix+"*")
	if err != nil {
		return "nothing can be written there: " + withoutPath(err), nil
	}
	f.Close()
	return "", errors.WithStack(os.Remove(f.Name()))
}

// withoutPath is what an error of a file says, without the name of the file.
func withoutPath(err error) string {
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		err = of.Err
	}
	return err.Error()
}
