package main

import (
	"archive/zip"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pkg/errors"
)

// suite is the tests of one package.
type suite struct {
	name, path string
	run        string // which of them use a GPU
}

var suites = []suite{
	{"cuda", "./internal/cuda", "GPU"},
	{"gpu", "./internal/gpu", "."},
	{"graph", "./graph", "Device"},
	{"machine", "./machine", "Device"},
	{"trainer", "./trainer", "Device"},
}

func main() {
	err := start()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "gpusuite:", err)
		os.Exit(1)
	}
}

func start() error {
	self, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "finding this program")
	}
	f, err := os.Open(self)
	if err != nil {
		return errors.Wrap(err, "opening this program")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return errors.Wrap(err, "opening this program")
	}
	tests, err := zip.NewReader(f, info.Size())
	if errors.Is(err, zip.ErrFormat) { // nothing is packed into it
		return build(os.Args[1:])
	}
	if err != nil {
		return errors.Wrap(err, "reading the tests in this program")
	}
	return run(tests, os.Args[1:], os.Stdout)
}

// build makes the file.
func build(args []string) error {
	f := flag.NewFlagSet("gpusuite", flag.ContinueOnError)
	out := f.String("o", "gpu-suite", "`FILE` to make")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return errors.Errorf("unexpected argument %q; the file is named by -o", f.Arg(0))
	}
	tmp, err := os.MkdirTemp("", "gpusuite")
	if err != nil {
		return errors.Wrap(err, "a folder to build in")
	}
	defer os.RemoveAll(tmp)
	program := filepath.Join(tmp, "program")
	if err := goTool("build", "-o", program, "./bench/gpusuite"); err != nil {
		return err
	}
	for _, s := range suites {
		fmt.Println("building the tests of", s.path)
		dir := filepath.Join(tmp, "tests", s.name)
		if err := goTool("test", "-c", "-o", filepath.Join(dir, binaryName), s.path); err != nil {
			return err
		}
		data := filepath.Join(s.path, "testdata")
		if _, err := os.Stat(data); err != nil {
			continue // it has none
		}
		if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS(data)); err != nil {
			return errors.Wrapf(err, "%s", data)
		}
	}
	if err := pack(*out, program, filepath.Join(tmp, "tests")); err != nil {
		return err
	}
	fmt.Printf("%s: carry it to a machine with a GPU and run it there\n", *out)
	return nil
}

// goTool runs go without cgo, so that what it makes depends on no C library of this machine.
func goTool(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return errors.Wrapf(cmd.Run(), "%s (run it in the repository)", strings.Join(cmd.Args, " "))
}

// binaryName is the tests of a package, in a folder of its name, with its testdata.
const binaryName = "tests"

// pack writes program with the folder of tests behind it.
func pack(out, program, tests string) (err error) {
	raw, err := os.ReadFile(program)
	if err != nil {
		return errors.Wrap(err, "reading the program")
	}
	f, err := os.OpenFile(out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return errors.Wrap(err, "making the file")
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = errors.Wrapf(e, "writing %s", out)
		}
	}()
	if _, err := f.Write(raw); err != nil {
		return errors.Wrapf(err, "writing %s", out)
	}
	w := zip.NewWriter(f)
	w.SetOffset(int64(len(raw)))
	if err := w.AddFS(os.DirFS(tests)); err != nil {
		return errors.Wrap(err, "packing the tests")
	}
	return errors.Wrapf(w.Close(), "writing %s", out)
}

// options is how the tests are run.
type options struct {
	only, run, sanitize string
	verbose, short      bool
}

// run runs the packed tests.
func run(tests *zip.Reader, args []string, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("gpu-suite", flag.ContinueOnError)
	f.StringVar(&o.only, "only", "", "`PACKAGE` whose tests are run: cuda, gpu, graph, machine or trainer; all if empty")
	f.StringVar(&o.run, "run", "", "`REGEXP` of the tests to run, as go test's")
	f.StringVar(&o.sanitize, "sanitize", "", "`TOOL` of compute-sanitizer to run them under: memcheck, racecheck, initcheck or synccheck")
	f.BoolVar(&o.verbose, "v", false, "name every test")
	f.BoolVar(&o.short, "short", false, "leave out what takes long")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return errors.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.only != "" && !slices.ContainsFunc(suites, func(s suite) bool { return s.name == o.only }) {
		return errors.Errorf("no tests of package %q, want cuda, gpu, graph, machine or trainer", o.only)
	}
	var sanitizer string
	if o.sanitize != "" {
		var err error
		if sanitizer, err = findSanitizer(); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "gpu-suite")
	if err != nil {
		return errors.Wrap(err, "a folder for the tests")
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, tests); err != nil {
		return errors.Wrap(err, "unpacking the tests")
	}
	var failed []string
	for _, s := range suites {
		if o.only != "" && o.only != s.name {
			continue
		}
		began := time.Now()
		outcome := "ok  "
		if err := runOne(s, o, sanitizer, filepath.Join(dir, s.name), out); err != nil {
			outcome = "FAIL"
			failed = append(failed, fmt.Sprintf("%s (%v)", s.name, err))
		}
		fmt.Fprintf(out, "%s %s %.1fs\n", outcome, s.name, time.Since(began).Seconds())
	}
	if len(failed) > 0 {
		return errors.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

func runOne(s suite, o options, sanitizer, dir string, out io.Writer) error {
	binary := filepath.Join(dir, binaryName)
	if err := os.Chmod(binary, 0o755); err != nil {
		return err
	}
	pattern := s.run
	if o.run != "" {
		pattern = o.run
	}
	args := []string{binary, "-test.run", pattern, "-test.timeout", "0"}
	if o.verbose {
		args = append(args, "-test.v")
	}
	if o.short {
		args = append(args, "-test.short")
	}
	if sanitizer != "" {
		args = append([]string{sanitizer, "--tool", o.sanitize, "--error-exitcode", "86"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MEDUSA_TEST_GPU=1")
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

// findSanitizer looks on PATH and where toolkits are installed.
func findSanitizer() (string, error) {
	if path, err := exec.LookPath("compute-sanitizer"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/local/cuda*/bin/compute-sanitizer") // a fixed pattern
	if len(found) == 0 {
		return "", errors.New("no compute-sanitizer on PATH or in /usr/local/cuda*/bin: install NVIDIA's package cuda-sanitizer")
	}
	return found[len(found)-1], nil
}
