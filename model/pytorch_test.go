package model_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/nets"
)

// pythonOf is the block of docs/export.md that begins with a comment.
func pythonOf(t *testing.T, comment string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "export.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```python\n(# " + regexp.QuoteMeta(comment) + ".*?)```").FindSubmatch(text)
	require.NotNil(t, block, comment)
	return block[1]
}

// PyTorch embeds alike with the weights, in the networks of docs/export.md.
func TestPyTorchEmbedsAlike(t *testing.T) {
	python := pythonWith(t, "COMPARE_PYTHON", "torch", "numpy")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "medusa_net.py"), pythonOf(t, "medusa_net.py"), 0o644))
	type torchCase struct {
		Model  string    `json:"model"`
		Inputs onnxInput `json:"inputs"`
		Out    string    `json:"out"`
	}
	var cases []torchCase
	var want [][]float32
	for name, cfg := range exported {
		m := modelWith(t, model.Info{Net: cfg, Resize: datasets.Squeeze, Normalisation: normalisationOf(cfg.InChannels)})
		var file, pixels bytes.Buffer
		require.NoError(t, m.ExportSafetensors(&file))
		x := drawings(t, cfg, m.Info().Normalisation)
		require.NoError(t, binary.Write(&pixels, binary.LittleEndian, x))
		c := torchCase{name + ".safetensors", onnxInput{File: name + ".in", Shape: []int{5, cfg.InChannels, cfg.Height, cfg.Width}}, name + ".out"}
		require.NoError(t, os.WriteFile(filepath.Join(dir, c.Model), file.Bytes(), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, c.Inputs.File), pixels.Bytes(), 0o644))
		y, err := m.EmbedPixels(context.Background(), x)
		require.NoError(t, err)
		cases, want = append(cases, c), append(want, y)
	}
	list, err := json.Marshal(cases)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cases.json"), list, 0o644))
	out, err := exec.Command(python, "testdata/run_torch.py", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for i, c := range cases {
		got := floatsIn(t, filepath.Join(dir, c.Out))
		require.InDeltaSlice(t, want[i], got, 1e-5, c.Model)
	}
}

// A ResNet-18 of pictures of ImageNet's size has the tensors of torchvision's (version 0.14.1; as
// testdata/torchvision_resnet18.txt says), but for counters that it does not need.
func TestNamesAreThoseOfTorchvision(t *testing.T) {
	params := graph.NewShapes()
	g := gorgonia.NewGraph()
	x, _ := graph.Input(g, "pictures", 1, 3, 64, 64)
	_, err := nets.Build(nets.Config{Backbone: "resnet18", Embedding: 1000}, params, x, nets.Eval)
	require.NoError(t, err)
	var got []string
	for _, p := range params.All() {
		got = append(got, fmt.Sprint(model.PyTorchName(p.Name), " ", strings.Trim(fmt.Sprint([]int(p.Shape())), "[]")))
	}
	want, err := os.ReadFile(filepath.Join("testdata", "torchvision_resnet18.txt"))
	require.NoError(t, err)
	require.ElementsMatch(t, strings.Split(strings.TrimSpace(string(want)), "\n"), got)
}

func TestSafetensorsOfWhatIsEmbeddedAlone(t *testing.T) {
	m := modelWith(t, model.Info{Net: nets.Config{Backbone: "mlp", InChannels: 1, Height: 4, Width: 4, Hidden: []int{3, 2}, Embedding: 2, Dropout: 0.5}})
	var file bytes.Buffer
	require.NoError(t, m.ExportSafetensors(&file))
	f, err := safetensors.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	require.NoError(t, err)
	var names []string
	for _, tensor := range f.Tensors {
		names = append(names, tensor.Name)
	}
	require.ElementsMatch(t, []string{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc.weight", "fc.bias"}, names, "no states of dropout")
	var info model.Info
	require.NoError(t, json.Unmarshal([]byte(f.Metadata["medusa.model"]), &info))
	require.Equal(t, m.Info(), info)
	require.ErrorContains(t, m.ExportSafetensors(nil), "the writer is nil")

	nets.Register("test-with-fc", func(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
		return nets.NewLayers(cfg, p, mode).Linear("fc", x.Flatten(), 3), nil
	})
	m = modelWith(t, model.Info{Net: nets.Config{Backbone: "test-with-fc", InChannels: 1, Height: 4, Width: 4, Embedding: 2}})
	require.ErrorContains(t, m.ExportSafetensors(io.Discard), "backbone.fc.weight and embedding.fc.weight are both fc.weight in PyTorch")
}
