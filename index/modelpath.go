package index

import (
	"path/filepath"
	"strings"

	"github.com/pkg/errors"
)

// keptPath is how the file of an index keeps the path of its model: relative to the folder of the file and
// with slashes where one lies in the other, and else absolute.
func keptPath(model, file string) ([]byte, error) {
	if model == "" {
		return nil, nil
	}
	there, err := filepath.Abs(model)
	if err != nil {
		return nil, errors.Wrapf(err, "index: the path of the model, %s", model)
	}
	here, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, errors.Wrapf(err, "index: %s", file)
	}
	if relative, err := filepath.Rel(here, there); err == nil && (filepath.IsLocal(relative) || onlyUp(relative)) {
		return []byte(filepath.ToSlash(relative)), nil
	}
	return []byte(there), nil
}

// onlyUp reports whether a relative path leads to a folder around the one where it begins.
func onlyUp(path string) bool {
	return strings.Trim(filepath.ToSlash(path), "./") == "" && !strings.Contains(path, "...")
}

// usedPath is the path that keptPath wrote to a file, which now lies at file.
func usedPath(kept []byte, file string) string {
	if len(kept) == 0 {
		return ""
	}
	path := filepath.FromSlash(string(kept))
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}
