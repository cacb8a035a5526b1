package cuda

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// PathVariable is the environment variable with folders that are looked through first,
// separated as in PATH.
const PathVariable = "MEDUSA_CUDA_LIBRARY_PATH"

// wanted is a library to look for.
type wanted struct {
	base    string // such as libcublas
	majors  []int  // versions that serve, best first
	before  string // a library of the same folder and version that must be loaded first
	install string // what to install where it is not found
}

var (
	driverLibrary = wanted{base: "libcuda", majors: []int{1},
		install: "install NVIDIA's driver (package cuda-drivers of NVIDIA, or nvidia-driver of the distribution; in a container, start it with --gpus all)"}
	blasLibrary = wanted{base: "libcublas", majors: []int{13, 12, 11}, before: "libcublasLt",
		install: "install the CUDA toolkit (package cuda-toolkit) or: pip install nvidia-cublas-cu12"}
	dnnLibrary = wanted{base: "libcudnn", majors: []int{9},
		install: "optional; install cuDNN 9 (package cudnn9-cuda-12) or: pip install nvidia-cudnn-cu12"}
)

func (w wanted) sonames() []string {
	names := make([]string, len(w.majors))
	for i, m := range w.majors {
		names[i] = w.base + ".so." + strconv.Itoa(m)
	}
	return names
}

// Attempt is one place where a library was looked for.
type Attempt struct {
	Place  string // a folder, a file, or a name that the system's loader was asked for
	Reason string // why nothing came of it
}

// LibraryError is a library that was not found, or of which no copy can be loaded.
type LibraryError struct {
	Library string    // such as libcublas
	Names   []string  // file names that would have served
	Tried   []Attempt // every place, in the order of the search
	Install string    // what to install
}

func (e *LibraryError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cuda: no %s (%s) found; looked in ", e.Library, strings.Join(e.Names, ", "))
	for i, a := range e.Tried {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", a.Place, a.Reason)
	}
	fmt.Fprintf(&b, "; %s, or name its folder in %s", e.Install, PathVariable)
	return b.String()
}

var errUnsupported = errors.New("cuda: CUDA is supported on Linux, amd64 and arm64, in builds without the tag nocuda; this is " +
	runtime.GOOS + "/" + runtime.GOARCH)

// finder looks for libraries. Its fields are replaced in tests.
type finder struct {
	getenv func(string) string
	open   func(path string) (uintptr, error)
	root   string // before every absolute folder; empty but in tests
}

func systemFinder() *finder { return &finder{getenv: os.Getenv, open: dlopen} }

// find loads the first library that serves, in the order that doc.go states.
func (f *finder) find(w wanted) (handle uintptr, path string, err error) {
	failure := &LibraryError{Library: w.base, Names: w.sonames(), Install: w.install}
	if !supported {
		return 0, "", errUnsupported
	}
	try := func(path string) bool {
		h, e := f.open(path)
		if e != nil {
			place := path
			if !strings.Contains(path, "/") {
				place += " (the system's loader)"
			}
			reason := strings.TrimPrefix(e.Error(), path+": ") // the loader's sentence starts with it
			failure.Tried = append(failure.Tried, Attempt{place, reason})
			return false
		}
		handle = h
		return true
	}
	inFolder := func(folder string) bool {
		files, e := listed(folder, w)
		if e != nil || len(files) == 0 {
			reason := "none of these names in it"
			if e != nil {
				reason = reasonOf(e)
			}
			failure.Tried = append(failure.Tried, Attempt{folder, reason})
			return false
		}
		for _, file := range files {
			if w.before != "" { // its failure shows itself in the library that needs it
				_, _ = f.open(filepath.Join(folder, w.before+strings.TrimPrefix(file, w.base)))
			}
			if path = filepath.Join(folder, file); try(path) {
				return true
			}
		}
		return false
	}
	for _, folder := range filepath.SplitList(f.getenv(PathVariable)) {
		if folder != "" && inFolder(folder) {
			return handle, path, nil
		}
	}
	for _, path = range w.sonames() {
		if try(path) {
			return handle, path, nil
		}
	}
	for _, folder := range f.folders() {
		if inFolder(folder) {
			return handle, path, nil
		}
	}
	return 0, "", failure
}

func reasonOf(err error) string {
	switch {
	case os.IsNotExist(err):
		return "no such folder"
	case os.IsPermission(err):
		return "not readable"
	}
	return err.Error()
}

// listed is the files of a folder that serve, best first: by the order of the majors, then
// the newest, then the longest version.
func listed(folder string, w wanted) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return serving(names, w), nil
}

// serving picks and orders the names of files that serve.
func serving(names []string, w wanted) []string {
	type candidate struct {
		name string
		rank int
		v    version
	}
	var found []candidate
	for _, n := range names {
		v, ok := libraryVersion(w.base, n)
		if !ok {
			continue
		}
		if rank := slices.Index(w.majors, v[0]); rank >= 0 {
			found = append(found, candidate{n, rank, v})
		} else if w.base == driverLibrary.base { // libcuda.so.550.54.15: the driver's own number
			found = append(found, candidate{n, len(w.majors), v})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return b.v.compare(a.v)
	})
	out := make([]string, len(found))
	for i, c := range found {
		out[i] = c.name
	}
	return out
}

// folders is where CUDA lies on machines that do not tell their loader.
func (f *finder) folders() []string {
	triple := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	out := f.toolkits()
	for _, d := range []string{"/usr/lib/" + triple, "/usr/local/nvidia/lib64", "/usr/lib64", "/usr/lib/wsl/lib"} {
		out = append(out, f.root+d)
	}
	return append(out, f.wheels()...)
}

// toolkits is /usr/local/cuda*/lib64 and /usr/local/cuda*/targets/*/lib, the plain cuda
// first and then the newest first.
func (f *finder) toolkits() []string {
	homes, _ := filepath.Glob(f.root + "/usr/local/cuda*") // the pattern is sound
	slices.SortStableFunc(homes, func(a, b string) int {
		return folderVersion(filepath.Base(b)).compare(folderVersion(filepath.Base(a)))
	})
	if len(homes) == 0 {
		return []string{f.root + "/usr/local/cuda/lib64"} // named in the error although it is not there
	}
	var out []string
	for _, h := range homes {
		out = append(out, filepath.Join(h, "lib64"))
		targets, _ := filepath.Glob(filepath.Join(h, "targets", "*", "lib"))
		out = append(out, targets...)
	}
	return out
}

// wheels is site-packages/nvidia/*/lib, where pip puts the libraries that PyTorch and others
// bring along, of the Python in VIRTUAL_ENV, in CONDA_PREFIX, and on PATH. Python is not run.
func (f *finder) wheels() []string {
	var prefixes []string
	add := func(p string) {
		if p != "" && !slices.Contains(prefixes, p) {
			prefixes = append(prefixes, p)
		}
	}
	add(f.getenv("VIRTUAL_ENV"))
	add(f.getenv("CONDA_PREFIX"))
	for _, dir := range filepath.SplitList(f.getenv("PATH")) {
		python := filepath.Join(dir, "python3")
		if info, err := os.Stat(python); dir == "" || err != nil || info.IsDir() {
			continue
		}
		add(filepath.Dir(dir))
		if real, err := filepath.EvalSymlinks(python); err == nil {
			add(filepath.Dir(filepath.Dir(real)))
		}
		break // the Python that a shell would start
	}
	var out []string
	for _, p := range prefixes {
		for _, pattern := range []string{
			"lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3*/dist-packages",
			"lib/python3/dist-packages", "local/lib/python3*/dist-packages",
		} {
			for _, lib := range matches(p, filepath.Join(pattern, "nvidia", "*", "lib")) {
				if !slices.Contains(out, lib) {
					out = append(out, lib)
				}
			}
		}
	}
	if len(out) == 0 {
		place := "a Python's site-packages/nvidia/*/lib"
		if len(prefixes) > 0 {
			place = filepath.Join(prefixes[0], "lib/python3*/site-packages/nvidia/*/lib")
		}
		return []string{place} // named in the error although it is not there
	}
	return out
}

// matches is filepath.Glob under a folder whose name may hold any character.
func matches(folder, pattern string) []string {
	var quoted strings.Builder
	for _, r := range folder {
		if strings.ContainsRune(`*?[\`, r) {
			quoted.WriteByte('\\')
		}
		quoted.WriteRune(r)
	}
	found, _ := filepath.Glob(filepath.Join(quoted.String(), pattern))
	return found
}
