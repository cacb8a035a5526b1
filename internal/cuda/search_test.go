package cuda

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// house makes empty files under a folder of the test and returns a finder that sees them. It
// loads what loads says and writes down what it was asked for.
func house(t *testing.T, env map[string]string, loads func(path string) bool, files ...string) (f *finder, asked *[]string) {
	t.Helper()
	if !supported {
		t.Skip("no loader in this build")
	}
	root := t.TempDir()
	for _, file := range files {
		path := filepath.Join(root, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	asked = new([]string)
	return &finder{
		getenv: func(name string) string { return strings.ReplaceAll(env[name], "$ROOT", root) },
		open: func(path string) (uintptr, error) {
			short := strings.TrimPrefix(path, root)
			*asked = append(*asked, short)
			if loads(short) {
				return 1, nil
			}
			return 0, errors.New(path + ": refused")
		},
		root: root,
	}, asked
}

func nothing(string) bool { return false }

func triple() string {
	return map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
}

func TestPlacesAreTriedInTheirOrder(t *testing.T) {
	f, asked := house(t, map[string]string{
		PathVariable: "$ROOT/mine:$ROOT/nowhere::$ROOT/also", "VIRTUAL_ENV": "$ROOT/venv", "PATH": "$ROOT/none:$ROOT/home/bin:$ROOT/late/bin",
	}, nothing,
		"mine/libcublas.so.12", "also/libcublas.so.13",
		"usr/local/cuda/lib64/libcublas.so.11", "usr/local/cuda-12.4/lib64/libcublas.so.12.4.5.8",
		"usr/local/cuda-12.10/targets/x86_64-linux/lib/libcublas.so.12", "usr/local/cuda-9.2/lib64/libcublas.so.9",
		"usr/lib/"+triple()+"/libcublas.so.11", "usr/local/nvidia/lib64/libcublas.so.12", "usr/lib64/libcublas.so.12", "usr/lib/wsl/lib/libcublas.so.12",
		"venv/lib/python3.11/site-packages/nvidia/cublas/lib/libcublas.so.12", "venv/lib/python3.11/site-packages/nvidia/cu13/lib/libcublas.so.13",
		"home/bin/python3", "home/lib/python3.9/site-packages/nvidia/cublas/lib/libcublas.so.11",
		"late/bin/python3", "late/lib/python3.9/site-packages/nvidia/cublas/lib/libcublas.so.11")
	w := blasLibrary
	w.before = "" // see the next test
	_, _, err := f.find(w)
	assert.Equal(t, []string{
		"/mine/libcublas.so.12", "/also/libcublas.so.13",
		"libcublas.so.13", "libcublas.so.12", "libcublas.so.11",
		"/usr/local/cuda/lib64/libcublas.so.11",
		"/usr/local/cuda-12.10/targets/x86_64-linux/lib/libcublas.so.12", "/usr/local/cuda-12.4/lib64/libcublas.so.12.4.5.8",
		"/usr/lib/" + triple() + "/libcublas.so.11", "/usr/local/nvidia/lib64/libcublas.so.12", "/usr/lib64/libcublas.so.12", "/usr/lib/wsl/lib/libcublas.so.12",
		"/venv/lib/python3.11/site-packages/nvidia/cu13/lib/libcublas.so.13", "/venv/lib/python3.11/site-packages/nvidia/cublas/lib/libcublas.so.12",
		"/home/lib/python3.9/site-packages/nvidia/cublas/lib/libcublas.so.11",
	}, *asked)
	var e *LibraryError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "libcublas", e.Library)
	assert.Equal(t, []string{"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"}, e.Names)
	text := err.Error()
	for _, want := range []string{"/mine/libcublas.so.12: refused", "/nowhere: no such folder", "libcublas.so.13 (the system's loader): refused",
		"/usr/local/cuda-9.2/lib64: none of these names in it", "pip install nvidia-cublas-cu12", PathVariable} {
		assert.Contains(t, text, want)
	}
}

func TestTheFirstThatLoadsIsTaken(t *testing.T) {
	f, asked := house(t, map[string]string{PathVariable: "$ROOT/a:$ROOT/b"},
		func(p string) bool { return p == "/b/libcublas.so.12.1" || p == "/b/libcublasLt.so.12.1" },
		"a/libcublas.so.12", "b/libcublas.so.12.1", "b/libcublasLt.so.12.1", "b/libcublas.so.12")
	h, path, err := f.find(blasLibrary)
	require.NoError(t, err)
	assert.EqualValues(t, 1, h)
	assert.Equal(t, f.root+"/b/libcublas.so.12.1", path)
	assert.Equal(t, []string{"/a/libcublasLt.so.12", "/a/libcublas.so.12", "/b/libcublasLt.so.12.1", "/b/libcublas.so.12.1"}, *asked,
		"libcublasLt of the same folder and version comes first")
}

func TestTheSystemsLoaderIsAskedBeforeFolders(t *testing.T) {
	f, asked := house(t, nil, func(p string) bool { return p == "libcublas.so.12" }, "usr/local/cuda/lib64/libcublas.so.13")
	_, path, err := f.find(blasLibrary)
	require.NoError(t, err)
	assert.Equal(t, "libcublas.so.12", path)
	assert.Equal(t, []string{"libcublas.so.13", "libcublas.so.12"}, *asked)
}

func TestPythonIsFoundThroughLinksAndOddNames(t *testing.T) {
	f, asked := house(t, map[string]string{"PATH": "$ROOT/bin"}, nothing,
		"opt/py [3]*?/bin/python3.12", "opt/py [3]*?/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9", "bin/other",
		"bin-is-no-folder")
	require.NoError(t, os.Symlink(filepath.Join(f.root, "opt/py [3]*?/bin/python3.12"), filepath.Join(f.root, "bin/python3")))
	_, _, err := f.find(dnnLibrary)
	require.Error(t, err)
	assert.Equal(t, []string{"libcudnn.so.9", "/opt/py [3]*?/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9"}, *asked)
	assert.ErrorContains(t, err, "optional")
}

func TestWhereNothingIsEveryPlaceIsNamed(t *testing.T) {
	f, _ := house(t, map[string]string{"CONDA_PREFIX": "$ROOT/conda"}, nothing)
	_, _, err := f.find(driverLibrary)
	for _, want := range []string{"no libcuda (libcuda.so.1) found", "libcuda.so.1 (the system's loader): refused", "/usr/local/cuda/lib64: no such folder",
		"/usr/lib/" + triple() + ": no such folder", "/conda/lib/python3*/site-packages/nvidia/*/lib: no such folder", "cuda-drivers", "--gpus all"} {
		assert.ErrorContains(t, err, want)
	}
	f.getenv = func(string) string { return "" }
	_, _, err = f.find(driverLibrary)
	assert.ErrorContains(t, err, "a Python's site-packages/nvidia/*/lib")
}

func TestUnreadableFoldersAreNamed(t *testing.T) {
	f, _ := house(t, map[string]string{PathVariable: "$ROOT/file"}, nothing, "file")
	_, _, err := f.find(driverLibrary)
	assert.ErrorContains(t, err, "not a directory")
	assert.Equal(t, "not readable", reasonOf(os.ErrPermission))
}

func TestServing(t *testing.T) {
	names := []string{"libcublas.so", "libcublas.so.11", "libcublas.so.12", "libcublas.so.12.4.5.8", "libcublas.so.12.10", "libcublas.so.10",
		"libcublas.so.13x", "libcublasLt.so.13", "libcublas.so.13.", "libcublas.so.-1", "xlibcublas.so.13", "libcublas.so.13.0.0.0.0.0.0", "libcublas.so.99999999999"}
	assert.Equal(t, []string{"libcublas.so.12.10", "libcublas.so.12.4.5.8", "libcublas.so.12", "libcublas.so.11"}, serving(names, blasLibrary))
	assert.Equal(t, []string{"libcuda.so.1", "libcuda.so.560.1", "libcuda.so.550.54.15"},
		serving([]string{"libcuda.so.550.54.15", "libcuda.so", "libcuda.so.1", "libcuda.so.560.1", "libcudart.so.12"}, driverLibrary))
	assert.Empty(t, serving([]string{"libcudnn.so.8", "libcudnn.so.90"}, dnnLibrary))
}

func TestVersions(t *testing.T) {
	for n, want := range map[int]string{12040: "12.4", 11080: "11.8", 13000: "13.0", 0: "0.0"} {
		assert.Equal(t, want, cudaVersion(n))
	}
	for n, want := range map[int]string{91301: "9.13.1", 90000: "9.0.0", 8907: "8.9.7", 7605: "7.6.5"} {
		assert.Equal(t, want, dnnVersion(n))
	}
	for _, x := range []struct{ older, newer string }{{"cuda-9.2", "cuda-12.4"}, {"cuda-12.4", "cuda-12.10"}, {"cuda-12", "cuda-12.0"}, {"cuda-12.10", "cuda"}, {"cuda-x", "cuda-1"}} {
		assert.Negative(t, folderVersion(x.older).compare(folderVersion(x.newer)), x)
	}
}

func TestMappedFile(t *testing.T) {
	const maps = "55d0-55d8 r-xp 00000000 08:01 12 /usr/bin/a\n" +
		"7f0000000000-7f0000001000 r-xp 00000000 08:01 13                 /usr/lib/with space/libcuda.so.550.54.15\n" +
		"7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n" +
		"nonsense\nffff r-xp\n-  x /y\n"
	assert.Equal(t, "/usr/lib/with space/libcuda.so.550.54.15", mappedFile(maps, 0x7f0000000fff))
	assert.Equal(t, "/usr/bin/a", mappedFile(maps, 0x55d0))
	assert.Empty(t, mappedFile(maps, 0x55d8))
	assert.Empty(t, mappedFile(maps, 0x7f0000001000), "no file")
	assert.Empty(t, mappedFile(maps, 0))
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"12", "12.4.5.8", "", ".", "1..2", "-1", "+1", "0x1", "١", "999999999", "9999999999", "1.2.3.4.5.6.7", "012"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := parseVersion(s)
		if !ok {
			return
		}
		if len(v) < 1 || len(v) > 6 || !utf8.ValidString(s) {
			t.Fatalf("%q is %v", s, v)
		}
		again, ok := parseVersion(v.String())
		if !ok || again.compare(v) != 0 {
			t.Fatalf("%q is %v, and that %v", s, v, again)
		}
	})
}

func FuzzServing(f *testing.F) {
	f.Add("libcublas.so.12\nlibcublas.so.12.4\nlibcublas.so.11")
	f.Add("libcuda.so.550.54\n\x00\nlibcuda.so.1")
	f.Fuzz(func(t *testing.T, listing string) {
		names := strings.Split(listing, "\n")
		for _, w := range []wanted{driverLibrary, blasLibrary, dnnLibrary} {
			got := serving(names, w)
			shuffled := append([]string(nil), names...)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			again := serving(shuffled, w)
			if len(got) != len(again) {
				t.Fatalf("%q and %q", got, again)
			}
			var last version
			rank := -1
			for i, n := range got {
				if !strings.HasPrefix(n, w.base+".so.") || strings.Contains(n, "/") {
					t.Fatalf("%q serves %s", n, w.base)
				}
				v, ok := libraryVersion(w.base, n)
				u, _ := libraryVersion(w.base, again[i])
				if !ok || v.compare(u) != 0 {
					t.Fatalf("the order of %q is not that of %q", got, again)
				}
				r := indexOf(w.majors, v[0])
				if r < rank || r == rank && last.compare(v) < 0 {
					t.Fatalf("%q are not in order", got)
				}
				rank, last = r, v
			}
		}
	})
}

func indexOf(list []int, v int) int {
	for i, x := range list {
		if x == v {
			return i
		}
	}
	return len(list)
}

func FuzzMappedFile(f *testing.F) {
	f.Add("55d0-55d8 r-xp 00000000 08:01 12 /usr/bin/a\n", uint64(0x55d1))
	f.Add("-\n - \n1-2", uint64(1))
	f.Fuzz(func(t *testing.T, maps string, addr uint64) {
		got := mappedFile(maps, uintptr(addr))
		if got != "" && (got[0] != '/' || !strings.Contains(maps, got) || strings.Contains(got, "\n")) {
			t.Fatalf("%q of %q", got, maps)
		}
	})
}

func FuzzFolderVersion(f *testing.F) {
	f.Add("cuda-12.4", "cuda")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, w := folderVersion(a), folderVersion(b)
		if sign(v.compare(w)) != -sign(w.compare(v)) {
			t.Fatalf("%q and %q have no order", a, b)
		}
	})
}

func sign(n int) int { return max(-1, min(1, n)) }

func TestStringsOfC(t *testing.T) {
	assert.Equal(t, []byte("ab\x00"), cString("ab"))
	assert.Equal(t, "ab", textOf([]byte("ab\x00cd")))
	assert.Equal(t, "ab", textOf([]byte("ab")), "without an end")
	assert.Empty(t, goString(0))
	long := cString(strings.Repeat("x", 5000))
	assert.Len(t, goString(heap(&long[0])), 4096)
	assert.Equal(t, "x", goString(heap(&long[4999])))
	runtime.KeepAlive(long)
}
