package cli

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/trainer"
)

// export is what the command says, with every blank and end of line as one blank.
func export(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := medusa(append([]string{"export"}, args...)...)
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr)
	return strings.Join(strings.Fields(stdout), " ")
}

func TestExportWritesWhatTheModelExports(t *testing.T) {
	dir, to := finishedRun(t, "-eval-views", "plain,flip"), t.TempDir()
	m, err := model.Load(filepath.Join(dir, trainer.ModelFile), model.Options{})
	require.NoError(t, err)
	defer m.Close()
	for _, c := range []struct {
		name  string
		flags []string
		want  func(*bytes.Buffer) error
		said  string
	}{
		{"a.onnx", nil, func(b *bytes.Buffer) error { return m.ExportONNX(b, model.ONNXOptions{}) }, "grey pictures of 12×12 in, 8 numbers out the views plain,flip are taken in it"},
		{"b.ONNX", []string{"-onnx-input", "pixels"}, func(b *bytes.Buffer) error { return m.ExportONNX(b, model.ONNXOptions{Input: model.InputPixels}) }, "8 numbers out"},
		{"c", []string{"-format", "onnx", "-onnx-input", "floats", "-no-views"}, func(b *bytes.Buffer) error {
			return m.ExportONNX(b, model.ONNXOptions{Input: model.InputFloats, NoViews: true})
		}, "the views plain,flip, over which the model takes the mean, are left out"},
		{"d.safetensors", nil, func(b *bytes.Buffer) error { return m.ExportSafetensors(b) }, "are no weights and not in it"},
	} {
		for _, of := range []string{dir, filepath.Join(dir, trainer.ModelFile)} {
			path := filepath.Join(to, c.name)
			assert.Contains(t, export(t, append([]string{of, "-out", path, "-overwrite"}, c.flags...)...), c.said)
			var want bytes.Buffer
			require.NoError(t, c.want(&want))
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(want.Bytes(), got), c.name)
		}
	}
	assert.Contains(t, info(t, filepath.Join(to, "d.safetensors")), "conv1.weight")
}

func TestExportForTheProjector(t *testing.T) {
	dir, out := finishedRun(t), filepath.Join(t.TempDir(), "map")
	said := export(t, dir, "-format", "projector", "-out", out)
	assert.Contains(t, said, "16 points of 8 numbers it is shown by tensorboard --logdir "+out)
	f, err := os.Open(filepath.Join(out, "sprite.png"))
	require.NoError(t, err)
	defer f.Close()
	sprite, err := png.DecodeConfig(f)
	require.NoError(t, err)
	assert.Equal(t, []int{48, 48}, []int{sprite.Width, sprite.Height}, "4×4 of 12×12")
	require.NoError(t, f.Close())

	code, _, stderr := medusa("export", dir, "-format", "projector", "-out", out)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "vectors.tsv is there already: name another one, or add -overwrite")
	export(t, dir, "-format", "projector", "-out", out, "-overwrite", "-no-pictures")
	_, err = os.Stat(filepath.Join(out, "sprite.png"))
	assert.ErrorIs(t, err, os.ErrNotExist, "of another export")

	// The pictures are gone.
	cfg, err := trainer.Stored(dir)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(cfg.Data.Path))
	code, _, stderr = medusa("export", dir, "-format", "projector", "-out", out, "-overwrite")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "the pictures of the run: ")
	assert.Contains(t, stderr, "; -no-pictures leaves pictures out")
	export(t, dir, "-format", "projector", "-out", out, "-overwrite", "-no-pictures")
}

func TestExportThatCannotBe(t *testing.T) {
	dir, to := finishedRun(t), t.TempDir()
	there := filepath.Join(to, "there.onnx")
	require.NoError(t, os.WriteFile(there, []byte("mine"), 0o644))
	vectors := filepath.Join(to, "vectors")
	foreign := foreignWords()
	onVectors(t, vectors)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "want a MODEL: the run folder, or its model file"},
		{[]string{dir, dir, "-out", "x.onnx"}, exitUsage, "want one MODEL"},
		{[]string{dir}, exitUsage, "-out names nothing to write: give a file such as -out net.onnx"},
		{[]string{dir, "-out="}, exitUsage, "-out names nothing to write"},
		{[]string{dir, "-out", "x.pt"}, exitUsage, "-out x.pt: the ending says no format, want .onnx or .safetensors, or a -format"},
		{[]string{dir, "-out", "x", "-format", "onx"}, exitUsage, `-format "onx" is not a choice (did you mean "onnx"?)`},
		{[]string{dir, "-out", "x", "-format="}, exitUsage, `-format "" is not a choice`},
		{[]string{dir, "-out", "x.onnx", "-onnx-input", "bytes"}, exitUsage, `-onnx-input "bytes" is not a choice; want normalised, pixels, floats; without it: normalised`},
		{[]string{dir, "-out", "x.safetensors", "-onnx-input", "pixels"}, exitUsage, "-onnx-input says nothing to the format safetensors: leave it out"},
		{[]string{dir, "-out", "x.onnx", "-no-pictures"}, exitUsage, "-no-pictures says nothing to the format onnx: leave it out"},
		{[]string{dir, "-out", filepath.Join(to, "x.onnx"), "-no-views"}, exitFailed, "takes no views: leave it out"},
		{[]string{dir, "-out", there}, exitFailed, "-out: " + there + " is there already: name another one, or add -overwrite"},
		{[]string{dir, "-out", to, "-format", "onnx"}, exitFailed, "is a folder, want a file to write"},
		{[]string{dir, "-out", there, "-format", "projector"}, exitFailed, "is a file, want a folder to write into"},
		{[]string{dir, "-out", filepath.Join(to, "gone", "x.onnx")}, exitFailed, "-out " + filepath.Join(to, "gone", "x.onnx") + ": "},
		{[]string{filepath.Join(to, "gone"), "-out", filepath.Join(to, "x.onnx")}, exitFailed, "there is no run folder or model file"},
		{[]string{to, "-out", filepath.Join(to, "x.onnx")}, exitFailed, "has no model.safetensors, which a finished run leaves"},
		{[]string{to, "-out", filepath.Join(to, "x"), "-format", "projector"}, exitFailed, "has no embeddings.safetensors, which a finished run leaves"},
		{[]string{filepath.Join(dir, "config.yaml"), "-out", filepath.Join(to, "x.onnx")}, exitFailed, "config.yaml is no safetensors file, want a model: a run folder or its model file"},
		{[]string{filepath.Join(dir, "embeddings.safetensors"), "-out", filepath.Join(to, "x.onnx")}, exitFailed, "embeddings.safetensors"},
		{[]string{filepath.Join(dir, "checkpoints", "last.safetensors"), "-out", filepath.Join(to, "x.onnx")}, exitFailed, "is a checkpoint, want a model"},
		{[]string{filepath.Join(dir, "model.safetensors"), "-out", filepath.Join(to, "x"), "-format", "projector"}, exitFailed, "-format projector wants the folder of the run"},
		{[]string{filepath.Join(vectors, "run"), "-out", filepath.Join(to, "x.onnx"), "-onnx-input", "pixels"}, exitFailed, "-onnx-input is pixels, and the model of "},
	} {
		code, stdout, stderr := medusa(append([]string{"export"}, c.args...)...)
		assert.Equal(t, c.code, code, "%s: %s", c.args, stderr)
		assert.Empty(t, stdout, c.args)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), strings.Join(strings.Fields(c.want), " "), c.args)
		assert.NotRegexp(t, foreign, stderr)
	}
	mine, err := os.ReadFile(there)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(mine))
	left, err := os.ReadDir(to)
	require.NoError(t, err)
	assert.Len(t, left, 2, "nothing is left of what failed")
	assert.Contains(t, export(t, filepath.Join(vectors, "run"), "-out", filepath.Join(to, "v.onnx"), "-onnx-input", "floats"), "vectors of 3 numbers in")
}

// onVectors trains on vectors of 3 numbers, in a folder with its run.
func onVectors(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	f := &safetensors.File{Tensors: []safetensors.Tensor{{Name: "embeddings", Shape: []int{12, 3}}, {Name: "labels", Shape: []int{12}}}}
	for i := range 36 {
		f.Tensors[0].F32 = append(f.Tensors[0].F32, float32(i%7)+float32(i/9))
	}
	for i := range int64(12) {
		f.Tensors[1].I64 = append(f.Tensors[1].I64, i/3)
	}
	var b bytes.Buffer
	require.NoError(t, safetensors.Write(&b, f))
	path := filepath.Join(dir, "x.safetensors")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	code, _, stderr := call("-data", path, "-hidden", "4", "-embedding", "3", "-p", "2", "-k", "2", "-steps", "1", "-val", "none", "-no-report", "-copies", "ignore", "-out", filepath.Join(dir, "run"))
	require.Equal(t, exitOK, code, stderr)
}

func TestExportCompletes(t *testing.T) {
	assert.Equal(t, []string{"-out", "-overwrite"}, suggested(t, "export", "runs/a", "-o")[:2])
	assert.Equal(t, []string{"onnx", "safetensors", "projector"}, suggested(t, "export", "-format"))
	assert.Equal(t, []string{"normalised", "pixels", "floats"}, suggested(t, "export", "-onnx-input"))
	assert.Empty(t, suggested(t, "export", "-out"), "the shell offers files")
}
