package weights_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/weights"
)

// tensorTruth is what Python says of a tensor, see testdata/weights.py.
type tensorTruth struct {
	Dtype string
	Shape []int
	Bits  []uint32 // of the numbers as float32
}

func truth(t *testing.T) map[string]map[string]tensorTruth {
	raw, err := os.ReadFile("testdata/expected.json")
	require.NoError(t, err)
	var file struct {
		Files map[string]map[string]tensorTruth
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	return file.Files
}

func opened(t *testing.T, path string) *weights.File {
	t.Helper()
	f, err := weights.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// Every file that Python's libraries wrote reads bit for bit as they read it.
func TestReadsWhatPythonWrote(t *testing.T) {
	files := truth(t)
	require.NotEmpty(t, files)
	for name, want := range files {
		t.Run(name, func(t *testing.T) {
			f := opened(t, filepath.Join("testdata", name))
			require.Len(t, f.Tensors, len(want))
			for _, tensor := range f.Tensors {
				w, ok := want[tensor.Name]
				require.True(t, ok, tensor.Name)
				require.Equal(t, w.Dtype, string(tensor.Dtype), tensor.Name)
				require.Equal(t, w.Shape, tensor.Shape, tensor.Name)
				require.Equal(t, len(w.Bits), tensor.Len())
				values, err := tensor.Float32s()
				require.NoError(t, err)
				bits := []uint32{}
				for _, v := range values {
					bits = append(bits, math.Float32bits(v))
				}
				require.Equal(t, w.Bits, bits, tensor.Name)
				require.Same(t, tensor, f.Lookup(tensor.Name))
			}
			require.Nil(t, f.Lookup("absent"))
		})
	}
}

func TestFormatsAndMetadata(t *testing.T) {
	for name, want := range map[string]struct {
		format   string
		metadata map[string]string
		leftOut  []string
	}{
		"mixed.safetensors":            {weights.Safetensors, map[string]string{"format": "pt"}, nil},
		"model.safetensors.index.json": {weights.Safetensors, map[string]string{}, nil},
		"raw.onnx":                     {weights.ONNX, map[string]string{"producer": "weights.py", "key": "value"}, nil},
		"one.pth":                      {weights.PyTorch, map[string]string{}, nil},
		"evil.pth":                     {weights.PyTorch, map[string]string{}, []string{"x: an object of posix.system"}},
	} {
		f := opened(t, filepath.Join("testdata", name))
		require.Equal(t, want.format, f.Format, name)
		require.Equal(t, want.metadata, f.Metadata, name)
		require.Equal(t, want.leftOut, f.LeftOut, name)
	}
	f := opened(t, "testdata/checkpoint.pth")
	require.Equal(t, "90", f.Metadata["epoch"])
	require.Equal(t, "tiny", f.Metadata["arch"])
	require.Equal(t, "0.1", f.Metadata["optimizer.param_groups.0.lr"])
	require.Equal(t, []string{"args: an object of argparse.Namespace"}, f.LeftOut)
	require.NoFileExists(t, "executed", "nothing of evil.pth was executed")
}

// The first bytes say what a file is, whatever it is called.
func TestContentCountsNotNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mixed.safetensors", "mixed.pth", "legacy.pth", "raw.onnx"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		path := filepath.Join(dir, name+".weights")
		require.NoError(t, os.WriteFile(path, raw, 0o644))
		require.Equal(t, opened(t, filepath.Join("testdata", name)).Format, opened(t, path).Format)
	}
}

// The checksums are those that sha256sum prints.
func TestSums(t *testing.T) {
	f := opened(t, "testdata/outside.onnx")
	sums, err := f.Sums()
	require.NoError(t, err)
	require.Equal(t, []weights.Sum{
		{"testdata/outside.onnx", "58203ab98c3a4370a084a069a9d9498f4820f6dde893bf1cee3afeb5e0491667"},
		{filepath.Join("testdata", "outside.data"), "85f6fdf88745e90f68159eef1b07b5de7419037299f1058b74357593d033099a"},
	}, sums)
	sums, err = opened(t, "testdata/model.safetensors.index.json").Sums()
	require.NoError(t, err)
	require.Len(t, sums, 3)
}

// Tensors are read from many goroutines at once.
func TestConcurrentReading(t *testing.T) {
	f := opened(t, "testdata/views.pth")
	done := make(chan error)
	for _, tensor := range f.Tensors {
		go func() {
			_, err := tensor.Float32s()
			done <- err
		}()
	}
	for range f.Tensors {
		require.NoError(t, <-done)
	}
}

// A file beside weights is read whole, and its absence is no error.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	raw, err := weights.Beside(path, "config.json")
	require.NoError(t, err)
	require.Nil(t, raw)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o644))
	raw, err = weights.Beside(path, "config.json")
	require.NoError(t, err)
	require.Equal(t, "{}", string(raw))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.json"), 0o755))
	_, err = weights.Beside(path, "folder.json")
	require.ErrorContains(t, err, "folder.json")
}
