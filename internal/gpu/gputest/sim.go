// Package gputest is the device sim: a gpu.Device on a machine without a GPU. The driver is
// package cudatest's fake, whose memory the host cannot touch; the kernels are those of the
// GPU, compiled for the host. It needs a C++ compiler, and skips the test where there is none.
// The same tests run on a real GPU with OnGPU.
package gputest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"medusa/internal/cuda/cudatest"
	"medusa/internal/cuda/cudatest/native"
	"medusa/internal/gpu/kernels"
)

// compiler is the command line that makes the library of kernels. A product is not to be fused
// with a sum but where the sources say so, as on the GPU with the same flag.
var compiler = []string{"-std=c++17", "-O2", "-ffp-contract=on", "-w", "-shared", "-fPIC", "-U_FORTIFY_SOURCE", "-fno-strict-aliasing"}

// library is the kernels for the host, made once and kept in the user's cache.
var library = sync.OnceValues(func() (string, error) {
	names, err := kernels.Names()
	if err != nil {
		return "", err
	}
	files := map[string][]byte{"main.cpp": []byte(mainSource(names))}
	err = fs.WalkDir(kernels.Sources, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files[path], err = kernels.Sources.ReadFile(path)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	const file = "kernels.so"
	folder, err := native.Build("medusa-kernels", []string{"g++", "clang++", "c++"}, files,
		[][]string{append(slices.Clone(compiler), "-o", file, "main.cpp")})
	return filepath.Join(folder, file), err
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
	if errors.Is(err, native.ErrNoCompiler) {
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
