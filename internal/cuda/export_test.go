package cuda

import (
	"errors"
	"io"
)

// Forget takes functions from a driver and its libraries, as an old version lacks them.
func Forget(d *Driver, symbols ...string) {
	for _, t := range []*table{d.table, d.blas.table, d.dnn.table} {
		if t == nil {
			continue
		}
		for i, n := range t.names {
			for _, s := range symbols {
				if n == s {
					t.addr[i] = 0
				}
			}
		}
	}
}

// OpenWith is Open with another environment, other folders under root, and another loader.
func OpenWith(getenv func(string) string, root string, open_ func(string) (uintptr, error)) (*Driver, error) {
	f := systemFinder()
	f.root = root
	if getenv != nil {
		f.getenv = getenv
	}
	if open_ != nil {
		f.open = open_
	}
	return open(f)
}

var Dlopen = dlopen

const Supported = supported

// ReportWith is Report with what OpenWith replaces; no loader is one that refuses all.
func ReportWith(w io.Writer, getenv func(string) string, root string, open_ func(string) (uintptr, error)) {
	if open_ == nil {
		open_ = func(path string) (uintptr, error) { return 0, errors.New(path + ": refused") }
	}
	report(w, &finder{getenv: getenv, open: open_, root: root})
}
