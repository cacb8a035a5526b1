// Package gputest is the device sim: a gpu.Device on a machine without a GPU. The driver is
// package cudatest's fake, whose memory the host cannot touch; the kernels are those of the
// GPU, compiled for the host. It needs a C++ compiler, and skips the test where there is none.
// The same tests run on a real GPU with OnGPU.
package gputest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"medusa/internal/cuda/cudatest"
	"medusa/internal/device/gpu/kernels"
)

// compiler is the command line that makes the library of kernels. A product is not to be fused
// with a sum but where the sources say so, as on the GPU with the same flag.
var compiler = []string{"-std=c++17", "-O2", "-ffp-contract=on", "-w", "-shared", "-fPIC", "-U_FORTIFY_SOURCE", "-fno-strict-aliasing"}

var errNoCompiler = errors.New("no C++ compiler (g++ or clang++) for the kernels")

// library is the kernels for the host. It is made once and kept in the user's cache under a
// name that depends on its sources.
var library = sync.OnceValues(func() (string, error) {
	cxx := ""
	for _, name := range []string{"g++", "clang++", "c++"} {
		if path, err := exec.LookPath(name); err == nil {
			cxx = path
			break
		}
	}
	if cxx == "" {
		return "", errNoCompiler
	}
	names, err := kernels.Names()
	if err != nil {
		return "", err
	}
	main := mainSource(names)
	hash := sha256.New()
	hash.Write([]byte(cxx + strings.Join(compiler, " ") + main))
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	_ = os.MkdirAll(base, 0o755) // the next line tells
	tmp, err := os.MkdirTemp(base, "medusa-kernels-new-")
	if err != nil {
		base = os.TempDir()
		if tmp, err = os.MkdirTemp(base, "medusa-kernels-new-"); err != nil {
			return "", err
		}
	}
	defer os.RemoveAll(tmp)
	err = fs.WalkDir(kernels.Sources, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := kernels.Sources.ReadFile(path)
		if err != nil {
			return err
		}
		hash.Write(raw)
		return os.WriteFile(filepath.Join(tmp, path), raw, 0o600)
	})
	if err != nil {
		return "", err
	}
	final := filepath.Join(base, "medusa-kernels-"+hex.EncodeToString(hash.Sum(nil))[:16]+".so")
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.WriteFile(filepath.Join(tmp, "main.cpp"), []byte(main), 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command(cxx, append(append([]string{}, compiler...), "-o", "kernels.so", "main.cpp")...)
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("gputest: %s: %w\n%s", cmd, err, out)
	}
	return final, os.Rename(filepath.Join(tmp, "kernels.so"), final)
})

// mainSource is the function by which the fake driver runs a kernel.
func mainSource(names []string) string {
	var b strings.Builder
	b.WriteString("#define MEDUSA_HOST\n#include \"all.cu\"\n" +
		"extern \"C\" int medusa_host_launch(const char *name, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned, void **params) {\n" +
		"\tunsigned grid[3] = {gx, gy, gz};\n\tif (by != 1 || bz != 1 || bx > 1024) return 1;\n")
	for _, n := range names {
		fmt.Fprintf(&b, "\tif (!strcmp(name, %q)) return run_kernel(%s, grid, bx, params);\n", n, n)
	}
	b.WriteString("\treturn 2;\n}\n")
	return b.String()
}

// OnGPU is the environment variable that, if set, lets the tests run on the machine's own GPU.
const OnGPU = "MEDUSA_TEST_GPU"

// Prepare makes the fake device the machine's GPU for the length of the test: gpu.Open then
// opens it. With OnGPU it leaves the machine as it is, and returns nil.
func Prepare(tb testing.TB) *cudatest.Fake {
	tb.Helper()
	if os.Getenv(OnGPU) != "" {
		return nil
	}
	f := cudatest.Prepare(tb)
	path, err := library()
	if errors.Is(err, errNoCompiler) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.HostLibrary(path); err != nil {
		tb.Fatal(err)
	}
	tb.Setenv("MEDUSA_FAKE_CUDA_HOST", path) // for processes that the test starts
	f.Set("quiet", 1)
	tb.Cleanup(func() { _ = f.HostLibrary("") })
	return f
}
