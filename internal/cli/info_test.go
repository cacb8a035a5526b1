package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
	"medusa/trainer"
)

// info is what the command says of a path, with every blank and end of line as one blank.
func info(t *testing.T, path string) string {
	t.Helper()
	code, stdout, stderr := medusa("info", path)
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr)
	return strings.Join(strings.Fields(stdout), " ")
}

func TestInfoOfARunAndItsFiles(t *testing.T) {
	dir := finishedRun(t, "-invert", "-loss", "contrastive", "-solver", "sgd(momentum=0.5)", "-normalise", "0.5/0.25")
	result, err := trainer.StoredResult(dir)
	require.NoError(t, err)
	run := info(t, dir)
	for _, want := range []string{dir + ": a run, finished after 2 steps", "input grey pictures of 12×12", "net cnn, embedding 8, channels 4,8", "loss contrastive",
		"batches pk, p 3, k 2", "solver sgd, lr 0.05, loss-lr 1, momentum 0.5", "schedule constant", "length 2 steps", "model of step 2",
		"files model.safetensors, embeddings.safetensors, result.json, metrics.jsonl, checkpoints/last.safetensors", result.Protocol, "Recall@1"} {
		assert.Contains(t, run, want)
	}
	assert.NotContains(t, run, "goes on")

	model := info(t, filepath.Join(dir, trainer.ModelFile))
	for _, want := range []string{": a model; its checksum is right", "input grey pictures of 12×12", "inverted, normalised by mean 0.5, deviation 0.25", "net cnn, embedding 8, channels 4,8",
		"loss contrastive", "learned from 4 classes", "weights of step 2"} {
		assert.Contains(t, model, want)
	}
	checkpoint := info(t, filepath.Join(dir, filepath.FromSlash(trainer.LastFile)))
	for _, want := range []string{": a checkpoint; its checksum is right", "step 2", "loss of a batch ", "solver sgd, lr 0.05, loss-lr 1, momentum 0.5"} {
		assert.Contains(t, checkpoint, want)
	}
	set, classes, err := trainer.StoredEmbeddings(dir)
	require.NoError(t, err)
	require.Len(t, set.Labels, 16)
	embeddings := info(t, filepath.Join(dir, trainer.EmbeddingsFile))
	assert.Contains(t, embeddings, ": embeddings; its checksum is right embeddings 16 of 8 numbers each classes 4, such as "+classes[0]+" paths 16, such as ")

	// A run that lost its result goes on by what is told.
	require.NoError(t, os.Remove(filepath.Join(dir, trainer.ResultFile)))
	_, stdout, _ := medusa("info", dir)
	assert.Contains(t, stdout, "a run, not finished, at step 2")
	args := advised(t, `go run ./cmd/medusa (train .*)`, stdout)
	code, _, stderr := medusa(args...)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, info(t, dir), "finished after 2 steps")

	// The folder of runs leads to one of them.
	code, _, stderr = medusa("info", filepath.Dir(dir))
	assert.Equal(t, exitFailed, code)
	code, _, _ = medusa(advised(t, `go run ./cmd/medusa (info .*)`, stderr)...)
	assert.Equal(t, exitOK, code)
}

// A parameter that is 0 where it is something else by default is told, and what the kind does not
// read is not.
func TestInfoTellsZeros(t *testing.T) {
	run := info(t, finishedRun(t, "-solver", "adam(beta1=0)", "-head", "max"))
	assert.Contains(t, run, "solver adam, lr 0.001, loss-lr 1, beta1 0, beta2 0.999")
	assert.NotContains(t, run, "momentum")
	assert.Contains(t, run, "net cnn, embedding 8, channels 4,8, activation relu, pooling max, head max")
}

// A model of views says so, and so do its run and the length of what it embedded.
func TestInfoTellsViews(t *testing.T) {
	dir := finishedRun(t, "-eval-views", "plain,flip|turned", "-detail", "2")
	assert.Contains(t, info(t, dir), "plain,flip|turned")
	model := info(t, filepath.Join(dir, trainer.ModelFile))
	assert.Contains(t, model, "views plain,flip|turned net cnn")
	assert.Contains(t, model, "kept 2 times as large for views")
	assert.Contains(t, info(t, filepath.Join(dir, trainer.EmbeddingsFile)), "embeddings 16 of 32 numbers each")
}

// Runs and models of every earlier version are told.
func TestInfoOfEarlierVersions(t *testing.T) {
	earlier := filepath.Join("..", "..", "trainer", "testdata", "earlier")
	entries, err := os.ReadDir(earlier)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() == "pictures" {
			continue
		}
		said := info(t, filepath.Join(earlier, e.Name()))
		assert.Regexp(t, `a run, (finished after \d+|not finished, at step \d+)`, said)
		assert.Regexp(t, ` net (cnn|mlp|resnet18), embedding \d`, said)
		assert.Regexp(t, ` batches pk`, said)
		models, err := filepath.Glob(filepath.Join(earlier, e.Name(), "*model.safetensors"))
		require.NoError(t, err)
		for _, path := range models {
			assert.Contains(t, info(t, path), "format version 1")
		}
	}
}

func TestInfoOfAnotherProgramsTensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	header := `{"__metadata__":{"format":"pt","evil\u001b[2J":"a\u001b[31mb"},"encoder.weight":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"scale":{"dtype":"F32","shape":[],"data_offsets":[12,16]}}`
	b := append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header...)
	require.NoError(t, os.WriteFile(path, append(b, make([]byte, 16)...), 0o644))
	said := info(t, path)
	for _, want := range []string{"a safetensors file of another program, with 2 tensors of 7 numbers", "format pt", "encoder.weight BF16 2×3", "scale F32"} {
		assert.Contains(t, said, want)
	}
	assert.NotContains(t, said, "\x1b")
}

// What is no such file, or no longer what was written, is told and never shown as if it were.
func TestInfoOfWhatIsNone(t *testing.T) {
	dir := finishedRun(t)
	at := func(name string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, content, 0o644))
		return path
	}
	model, err := os.ReadFile(filepath.Join(dir, trainer.ModelFile))
	require.NoError(t, err)
	altered := bytes.Clone(model)
	altered[len(altered)-1] ^= 1
	var foreign bytes.Buffer
	require.NoError(t, safetensors.Write(&foreign, &safetensors.File{Metadata: map[string]string{"medusa": "model", "model": "no JSON"}}))
	cases := map[string]string{
		filepath.Join(dir, "config.yaml"):             "is no safetensors file: want a run folder, a safetensors file, such as a model, a checkpoint or embeddings, or an index",
		filepath.Join(dir, "gone"):                    "there is no file or folder",
		filepath.Join(dir, "checkpoints"):             "holds no run: it has no checkpoints/config.yaml",
		at("empty", nil):                              "is an empty file: want a run folder",
		at("cut.safetensors", model[:200]):            "the file is truncated",
		at("short.safetensors", model[:len(model)-4]): "the file is truncated",
		at("altered.safetensors", altered):            "the checksum does not match: the file was altered or damaged",
		at("other.safetensors", foreign.Bytes()):      "but what it says about itself cannot be read",
	}
	if runtime.GOOS != "windows" {
		cases["/dev/zero"] = "is a device, want a file"
	}
	for path, want := range cases {
		code, stdout, stderr := medusa("info", path)
		assert.Equal(t, exitFailed, code, path)
		assert.Empty(t, stdout)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), want)
		assert.NotRegexp(t, `(^|: )safetensors: `, stderr)
	}
	for _, args := range [][]string{{"info"}, {"info", dir, dir}, {"info", ""}, {"info", dir, "-json"}} {
		code, _, stderr := medusa(args...)
		assert.Equal(t, exitUsage, code)
		assert.NotEmpty(t, stderr)
	}
	result := filepath.Join(dir, trainer.ResultFile)
	text, err := os.ReadFile(result)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(result, bytes.Replace(text, []byte(`"steps": 2`), []byte(`"steps": 3`), 1), 0o644))
	code, _, stderr := medusa("info", dir)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "the file was altered or damaged")
}

// Whatever a file claims, info neither panics nor waits.
func FuzzInfoFile(f *testing.F) {
	for _, metadata := range []map[string]string{nil, {"medusa": "model", "model": `{"net":{"backbone":"mlp"}}`}, {"medusa": "checkpoint", "state": "{}", "config": "lr: 1"}, {"classes": `["a"]`}} {
		var b bytes.Buffer
		require.NoError(f, safetensors.Write(&b, &safetensors.File{Metadata: metadata, Tensors: []safetensors.Tensor{{Name: "embeddings", Shape: []int{1, 1}, F32: []float32{1}}, {Name: "labels", Shape: []int{1}, I64: []int64{1}}}}))
		f.Add(b.Bytes())
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "x.safetensors")
		require.NoError(t, os.WriteFile(path, content, 0o644))
		code, stdout, stderr := medusa("info", path)
		assert.Contains(t, []int{exitOK, exitFailed}, code)
		assert.NotContains(t, stdout+stderr, "\x1b")
	})
}
