package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"medusa/internal/terminal"
	"medusa/trainer"
)

// warnOfKnown says which of the pictures are those that the network learned from, as far as its run folder tells: what is
// measured on them tells little about others.
func (c *invocation) warnOfKnown(w *terminal.Screen, model string, paths []string) {
	dir := model
	if info, err := os.Stat(model); err == nil && !info.IsDir() {
		dir = filepath.Dir(model)
	}
	cfg, err := trainer.Stored(dir)
	if err != nil || cfg.Data.Path == "" {
		return
	}
	for _, path := range paths {
		if path == "-" || !learnedFrom(path, cfg.Data) {
			continue
		}
		w.Aside(func() {
			fmt.Fprintf(c.Err, "note: the network learned from %s: figures of pictures that it knows are better than those of others; measure with pictures that it never saw\n", cfg.Data.Path)
		})
		return
	}
}

// learnedFrom reports whether a path is of the data that a run learned from, and not of its other parts.
func learnedFrom(path string, d trainer.DataConfig) bool {
	if within(path, d.Test) || within(path, d.Val) {
		return false
	}
	if within(filepath.Join(d.Path, "train"), d.Path) && !within(d.Path, path) { // there are parts
		return within(path, filepath.Join(d.Path, "train"))
	}
	return within(path, d.Path)
}

// within reports whether a path is a folder or lies in it, whatever links lead to the two, where both are there.
func within(path, folder string) bool {
	for _, p := range []*string{&path, &folder} {
		if *p == "" { // not the current folder
			return false
		}
		real, err := filepath.EvalSymlinks(*p)
		if err != nil {
			return false
		}
		if *p, err = filepath.Abs(real); err != nil {
			return false
		}
	}
	rest, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rest)
}
