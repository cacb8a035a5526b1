// Package native compiles C and C++ for tests, once: what comes of it is kept in the user's
// cache.
package native

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/pkg/errors"
)

// ErrNoCompiler is the cause where none of the compilers is installed.
var ErrNoCompiler = errors.New("no compiler")

// Build runs the first of the compilers that is there with each of the lists of arguments, in
// a folder that holds the sources, and returns the folder. Its name begins with name and
// depends on all of them; if it exists nothing is done.
func Build(name string, compilers []string, sources map[string][]byte, commands [][]string) (folder string, err error) {
	compiler := ""
	for _, c := range compilers {
		if path, err := exec.LookPath(c); err == nil {
			compiler = path
			break
		}
	}
	if compiler == "" {
		return "", errors.Wrapf(ErrNoCompiler, "looked for %v", compilers)
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q", compiler, commands)
	files := slices.Sorted(maps.Keys(sources))
	for _, f := range files {
		fmt.Fprintf(hash, "%q %q", f, sources[f])
	}
	base, tmp, err := room(name)
	if err != nil {
		return "", errors.Wrap(err, "native")
	}
	defer os.RemoveAll(tmp)
	folder = filepath.Join(base, name+"-"+hex.EncodeToString(hash.Sum(nil))[:16])
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(tmp, f), sources[f], 0o600); err != nil {
			return "", errors.Wrap(err, "native")
		}
	}
	for _, args := range commands {
		cmd := exec.Command(compiler, args...)
		cmd.Dir = tmp
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", errors.Errorf("native: %s: %v\n%s", cmd, err, out)
		}
	}
	if err := os.Rename(tmp, folder); err != nil {
		if _, e := os.Stat(folder); e != nil { // another process may have been faster
			return "", errors.Wrap(err, "native")
		}
	}
	return folder, nil
}

// room is the user's cache, or the folder for temporary files where that cannot be written, and a new
// folder in it.
func room(name string) (base, tmp string, err error) {
	if base, err = os.UserCacheDir(); err == nil {
		if err = os.MkdirAll(base, 0o755); err == nil {
			if tmp, err = os.MkdirTemp(base, name+"-new-"); err == nil {
				return base, tmp, nil
			}
		}
	}
	base = os.TempDir()
	tmp, err = os.MkdirTemp(base, name+"-new-")
	return base, tmp, err
}
