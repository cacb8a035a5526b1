package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A model of ONNX is a backbone: it says how large pictures are, and what is made of it needs its file no more.
func TestTrainWithONNX(t *testing.T) {
	raw, err := os.ReadFile("../onnxgraph/testdata/mixed-fixed.onnx")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	folders(t, "data", 8, 4)
	require.NoError(t, os.WriteFile("net.onnx", raw, 0o600))
	train := func(args ...string) (int, string, string) {
		return call(append([]string{"-data", "data", "-embedding", "4", "-steps", "2", "-p", "3", "-k", "2", "-no-report", "-val", "none"}, args...)...)
	}
	code, stdout, stderr := train("-backbone", "onnx:net.onnx", "-out", "run")
	require.Equal(t, exitOK, code, stderr)
	told := strings.Join(strings.Fields(stdout), " ")
	require.Contains(t, told, "pictures are 16×16, which the backbone takes alone (-size 16)")
	require.Contains(t, told, "stored as RGB of 16×16")

	config, err := os.ReadFile("run/config.yaml") // by which a run goes on
	require.NoError(t, err)
	require.Contains(t, string(config), "height: 16\n  width: 16\n  channels: 3\n")
	require.Contains(t, string(config), "backbone: onnx:net.onnx")

	require.NoError(t, os.Remove("net.onnx"))
	for _, args := range [][]string{
		{"info", "run/model.safetensors"}, {"embed", "run", "data", "-out", "e.npy"}, {"evaluate", "run", "data"}, {"export", "run", "-out", "again.onnx"},
	} {
		code, _, stderr := medusa(args...)
		require.Equal(t, exitOK, code, "%v: %s", args, stderr)
	}
	require.NoError(t, os.WriteFile("net.onnx", raw, 0o600))
	for _, c := range []struct {
		want string
		args []string
	}{
		{"-size is 24, and the backbone takes pictures of 3 channels, 16 rows and 16 columns and no others: leave it out", []string{"-backbone", "onnx:net.onnx", "-size", "24"}},
		{"-hidden means nothing to -backbone onnx:net.onnx: leave it out", []string{"-backbone", "onnx:net.onnx", "-hidden", "3"}},
		{`it has no tensor "outputs" (did you mean "output"?)`, []string{"-backbone", "onnx:net.onnx#outputs"}},
		{"there is no file other.onnx", []string{"-backbone", "onnx:other.onnx"}},
	} {
		code, _, stderr := train(append(c.args, "-out", "refused")...)
		require.NotEqual(t, exitOK, code)
		require.Contains(t, strings.Join(strings.Fields(stderr), " "), c.want)
	}
}
