package onnxgraph

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/onnx"
	"medusa/internal/weights"
)

// tiny is a model: a convolution, a pooling and a layer.
func tiny() *onnx.Model {
	fill := func(n int) []float32 { return bytesAsFloats(n) }
	return &onnx.Model{IRVersion: 8, Opset: 17, Producer: "test", ProducerVersion: "1", Graph: onnx.Graph{Name: "g",
		Initializers: []onnx.Tensor{onnx.Floats("conv.weight", fill(2*3*3*3), 2, 3, 3, 3), onnx.Floats("fc.weight", fill(1000*2), 1000, 2), onnx.Floats("fc.bias", fill(1000), 1000)},
		Inputs:       []onnx.Value{{Name: "x", Elem: onnx.Float32, Shape: []onnx.Dim{{Param: "N"}, {Size: 3}, {Size: 8}, {Size: 8}}}},
		Outputs:      []onnx.Value{{Name: "y", Elem: onnx.Float32}},
		Nodes: []onnx.Node{
			{Op: "Conv", Name: "conv", In: []string{"x", "conv.weight"}, Out: []string{"c"}},
			{Op: "GlobalAveragePool", Name: "pool", In: []string{"c"}, Out: []string{"p"}},
			{Op: "Flatten", Name: "flatten", In: []string{"p"}, Out: []string{"features"}},
			{Op: "Gemm", Name: "fc", In: []string{"features", "fc.weight", "fc.bias"}, Out: []string{"y"}, Attributes: []onnx.Attribute{{Name: "transB", Value: int64(1)}}},
		},
	}}
}

func bytesAsFloats(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(i%5) - 2
	}
	return out
}

// written is a file with the model.
func written(t *testing.T, m *onnx.Model) string {
	t.Helper()
	data, err := m.Marshal()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "net.onnx")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// buildAt builds the model at path for some pictures.
func buildAt(path, cut string, shape ...int) error {
	n, err := Open(path, cut)
	if err != nil {
		return err
	}
	x := gorgonia.NewTensor(gorgonia.NewGraph(), tensor.Float32, 4, gorgonia.WithName("x"), gorgonia.WithShape(shape...))
	_, err = n.Build(graph.NewParams(0), graph.Data(x), Options{Train: true})
	return err
}

// Models that cannot be built each get a sentence that names the thing and the way out.
func TestRefuses(t *testing.T) {
	add := func(n onnx.Node) func(*onnx.Model) {
		return func(m *onnx.Model) {
			n.Name, n.Out = "odd", []string{"z"}
			if n.In == nil {
				n.In = []string{"features"}
			}
			m.Graph.Nodes = append(m.Graph.Nodes, n)
			m.Graph.Outputs[0].Name = "z"
		}
	}
	for _, c := range []struct {
		want  string
		spoil func(*onnx.Model)
	}{
		{"it is a quantised model (QLinearConv)", add(onnx.Node{Op: "QLinearConv"})},
		{"it has operators that are not known here: Einsum (1, the first of them odd); cut it before them, as onnx:FILE#TENSOR", add(onnx.Node{Op: "Einsum"})},
		{"com.microsoft.FusedConv (1, the first of them odd)", add(onnx.Node{Op: "FusedConv", Domain: "com.microsoft"})},
		{"simplify it with onnxsim", add(onnx.Node{Op: "If"})},
		{"its operators are of version 6, of 2017: bring it to a newer one with onnx.version_converter", func(m *onnx.Model) { m.Opset = 6 }},
		{`its tensor "z" is computed from 2 inputs (x, text), want pictures alone`, func(m *onnx.Model) {
			m.Graph.Inputs = append(m.Graph.Inputs, onnx.Value{Name: "text", Elem: onnx.Float32, Shape: []onnx.Dim{{Size: 1}}})
			add(onnx.Node{Op: "Add", In: []string{"features", "text"}})(m)
		}},
		{`its input "x" has 2 axes, want pictures (B, C, H, W)`, func(m *onnx.Model) { m.Graph.Inputs[0].Shape = m.Graph.Inputs[0].Shape[:2] }},
		{`its input "x" takes pictures of whole numbers`, func(m *onnx.Model) { m.Graph.Inputs[0].Elem = onnx.Uint8 }},
		{"pictures are (3, 8, 8), and the file takes (1, any, 9)", func(m *onnx.Model) {
			m.Graph.Inputs[0].Shape = []onnx.Dim{{Param: "N"}, {Size: 1}, {Param: "H"}, {Size: 9}}
		}},
		{`the tensor "conv.weight" holds NaN at place 3`, func(m *onnx.Model) { copy(m.Graph.Initializers[0].Raw[12:], []byte{0, 0, 0xc0, 0x7f}) }},
		{"node fc (Gemm): graph: linear of shapes", func(m *onnx.Model) { m.Graph.Initializers[1].Shape = []int64{500, 4} }},
		{"it has 1 inputs, want at least 2: the file is damaged", func(m *onnx.Model) { m.Graph.Nodes[0].In = m.Graph.Nodes[0].In[:1] }},
		{"is computed from pictures, and must be known before them", add(onnx.Node{Op: "Reshape", In: []string{"features", "y"}})},
		{"a constant of shape", func(m *onnx.Model) {
			m.Graph.Initializers = append(m.Graph.Initializers, onnx.Ints("huge", []int64{1 << 30, 1 << 30}, 2))
			add(onnx.Node{Op: "Expand", In: []string{"fc.bias", "huge"}})(m)
			m.Graph.Nodes = append(m.Graph.Nodes, onnx.Node{Op: "Add", Name: "last", In: []string{"y", "z"}, Out: []string{"w"}})
			m.Graph.Outputs[0].Name = "w"
		}},
		{`its tensor "z" depends on no input`, add(onnx.Node{Op: "Relu", In: []string{"fc.bias"}})},
	} {
		m := tiny()
		c.spoil(m)
		require.ErrorContains(t, buildAt(written(t, m), "", 2, 3, 8, 8), c.want)
	}
	path := written(t, tiny())
	require.NoError(t, buildAt(path, "", 2, 3, 8, 8))
	require.ErrorContains(t, buildAt(path, "featurs", 2, 3, 8, 8), `it has no tensor "featurs" (did you mean "features"?); its last ones are y, features, p, c`)
	require.NoError(t, buildAt(path, "features", 2, 3, 8, 8))
	whole, err := tiny().Marshal()
	require.NoError(t, err)
	for content, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "git lfs pull",
		"<!DOCTYPE html><html></html>":                               "a page of the web",
		string(whole[:len(whole)-20]):                                "truncated",
	} {
		bad := filepath.Join(t.TempDir(), "bad.onnx")
		require.NoError(t, os.WriteFile(bad, []byte(content), 0o600))
		require.ErrorContains(t, buildAt(bad, "", 2, 3, 8, 8), want)
	}
	require.ErrorContains(t, buildAt("../weights/testdata/mixed.safetensors", "", 2, 3, 8, 8), "holds no graph, want a model of ONNX")
	require.ErrorContains(t, buildAt("../weights/testdata/quantised.onnx", "", 2, 3, 8, 8), "it is a quantised model")
}

// A classifier at the end is told, with the tensor to cut at.
func TestWarnsOfClassifier(t *testing.T) {
	path := written(t, tiny())
	n, err := Open(path, "")
	require.NoError(t, err)
	require.Equal(t, []string{`the output "y" of the backbone has one number for each of 1000 classes, as a classifier of ImageNet; the features before it are #features`}, n.Warnings())
	n, err = Open(path, "features")
	require.NoError(t, err)
	require.Empty(t, n.Warnings())
	require.Equal(t, "features", n.Output())
}

// Pictures whose channels are last, as TensorFlow has them, are brought into that order, and what turns them back is
// undone.
func TestChannelsLast(t *testing.T) {
	m := tiny()
	m.Graph.Inputs[0] = onnx.Value{Name: "in", Elem: onnx.Float32, Shape: []onnx.Dim{{Size: 1}, {Size: 8}, {Size: 8}, {Size: 3}}}
	turn := onnx.Node{Op: "Transpose", In: []string{"in"}, Out: []string{"x"}, Attributes: []onnx.Attribute{{Name: "perm", Value: []int64{0, 3, 1, 2}}}}
	m.Graph.Nodes = append([]onnx.Node{turn}, m.Graph.Nodes...)
	turned, err := Open(written(t, m), "")
	require.NoError(t, err)
	plain, err := Open(written(t, tiny()), "")
	require.NoError(t, err)
	x := bytesAsFloats(2 * 3 * 8 * 8)
	want, _ := run(t, plain, graph.NewParams(0), x, 2, 3, 8, 8)
	got, _ := run(t, turned, graph.NewParams(0), x, 2, 3, 8, 8)
	require.Equal(t, want, got)
	c, h, w := turned.Sizes()
	require.Equal(t, []int{3, 8, 8}, []int{c, h, w})
}

// What is constant in arithmetic, such as a normalisation of pictures, does not learn; what weights are does.
func TestParameters(t *testing.T) {
	m := tiny()
	m.Graph.Initializers = append(m.Graph.Initializers, onnx.Floats("mean", []float32{1, 2, 3}, 1, 3, 1, 1), onnx.Floats("scale", []float32{2, 3}, 1, 2), onnx.Floats("half", []float32{0.5}))
	m.Graph.Nodes[0].In[0] = "centred"
	m.Graph.Nodes = append([]onnx.Node{{Op: "Add", In: []string{"x", "mean"}, Out: []string{"centred"}}}, m.Graph.Nodes...)
	m.Graph.Nodes[4].In[0] = "scaled"
	m.Graph.Nodes = append(m.Graph.Nodes[:4:4], append([]onnx.Node{{Op: "Mul", In: []string{"features", "scale"}, Out: []string{"s"}}, {Op: "Mul", In: []string{"s", "half"}, Out: []string{"scaled"}}}, m.Graph.Nodes[4:]...)...)
	n, err := Open(written(t, m), "")
	require.NoError(t, err)
	require.Equal(t, []string{"conv.weight", "fc.bias", "fc.weight", "scale"}, sortedKeys(n.params))
	require.Equal(t, []string{"half", "mean"}, sortedKeys(n.constants))
}

// Normalisations whose equal statistics an exporter shares by Identity keep them, and move them in training.
func TestSharedStatistics(t *testing.T) {
	m := tiny()
	m.Graph.Initializers = append(m.Graph.Initializers, onnx.Floats("ones", []float32{1, 1}, 2), onnx.Floats("zeros", []float32{0, 0}, 2))
	m.Graph.Nodes[1].In[0] = "n"
	shared := []onnx.Node{
		{Op: "Identity", In: []string{"zeros"}, Out: []string{"mean"}}, {Op: "Identity", In: []string{"ones"}, Out: []string{"variance"}},
		{Op: "BatchNormalization", In: []string{"c", "fc.gamma", "fc.beta", "mean", "variance"}, Out: []string{"n"}},
	}
	m.Graph.Initializers = append(m.Graph.Initializers, onnx.Floats("fc.gamma", []float32{1, 2}, 2), onnx.Floats("fc.beta", []float32{3, 4}, 2))
	m.Graph.Nodes = append(m.Graph.Nodes[:1:1], append(shared, m.Graph.Nodes[1:]...)...)
	path := written(t, m)
	require.NoError(t, buildAt(path, "", 2, 3, 8, 8))
	n, err := Open(path, "")
	require.NoError(t, err)
	require.True(t, n.params["zeros"].buffer)
	require.True(t, n.params["ones"].buffer)
	require.False(t, n.params["fc.gamma"].buffer)
}

// FuzzBuild builds whatever bytes hold as a stored graph or as a model, for one picture and for two. It ends in an error
// or a graph, in a time that does not grow with what the bytes claim.
func FuzzBuild(f *testing.F) {
	for _, name := range []string{"mixed-fixed", "mixed-bn", "vit-fixed", "convnext"} {
		n, err := Open("testdata/"+name+".onnx", "")
		require.NoError(f, err)
		raw, err := n.Encode()
		require.NoError(f, err)
		f.Add(raw)
	}
	m := tiny()
	m.Graph.Initializers[1], m.Graph.Initializers[2] = onnx.Floats("fc.weight", bytesAsFloats(6), 3, 2), onnx.Floats("fc.bias", bytesAsFloats(3), 3)
	raw, err := m.Marshal()
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := Decode(raw)
		if err != nil {
			m, err := weights.ReadModel(bytes.NewReader(raw), int64(len(raw)))
			if err != nil {
				return
			}
			n = &Net{}
			if n.read(m, "") != nil {
				return
			}
		}
		buildSmall(t, n)
		if stored, err := n.Encode(); err == nil {
			_, err = Decode(stored)
			require.NoError(t, err)
		}
	})
}

// buildSmall builds a net for small pictures.
func buildSmall(t *testing.T, n *Net) {
	t.Helper()
	c, h, w := n.Sizes()
	side := func(n, usual int) int {
		if n == 0 {
			return usual
		}
		return min(n, 64)
	}
	for _, batch := range []int{1, 2} {
		x := gorgonia.NewTensor(gorgonia.NewGraph(), tensor.Float32, 4, gorgonia.WithName("x"), gorgonia.WithShape(batch, side(c, 3), side(h, 16), side(w, 16)))
		if y, err := n.Build(graph.NewShapes(), graph.Data(x), Options{}); err == nil {
			require.NoError(t, y.Err())
		}
	}
}
