package model_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/machine"
	"medusa/model"
	"medusa/nets"
)

// nativeNet is a network of this module that is exported and read again.
var nativeNet = nets.Config{Backbone: "resnet18", InChannels: 3, Height: 32, Width: 32, Channels: []int{4, 4, 6, 8}, Embedding: 5}

// exportedTrunk writes nativeNet as ONNX, and returns the backbone that it is up to its embedding's layer, and the model.
func exportedTrunk(t *testing.T) (string, *model.Model) {
	t.Helper()
	m := modelWith(t, model.Info{Net: nativeNet})
	path := filepath.Join(t.TempDir(), "net.onnx")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, m.ExportONNX(f, model.ONNXOptions{}))
	require.NoError(t, f.Close())
	_, err = nets.Summary(nets.Config{Backbone: "onnx:" + path + "#nothing", InChannels: 3, Height: 32, Width: 32})
	require.ErrorContains(t, err, `it has no tensor "nothing"`)
	return "onnx:" + path + "#globalavgpool.flat", m
}

// trunkRun is the features of pictures in training, and the gradients to weights by their names in the backbone.
func trunkRun(t *testing.T, cfg nets.Config, params *graph.Params, mode nets.Mode, pictures []float32) ([]float32, map[string][]float32, map[string][]float32) {
	t.Helper()
	g := gorgonia.NewGraph()
	x, data := graph.Input(g, "pictures", 5, 3, 32, 32)
	copy(data, pictures)
	net, err := nets.Build(cfg, params, x, mode)
	require.NoError(t, err)
	kept, err := graph.Keep(net.Trunk)
	require.NoError(t, err)
	var names []string
	var nodes gorgonia.Nodes
	grads := map[string]*graph.Kept{}
	if mode == nets.Train {
		y := graph.Of(net.Trunk)
		loss, err := y.Mul(y.Values(weighing(y.Shape().TotalSize()), y.Shape()...)).Sum().Node()
		require.NoError(t, err)
		for _, p := range params.Under(nets.BackbonePrefix) {
			if p.Buffer || p.Rate() == 0 {
				continue
			}
			n, err := params.Weight(g, p.Name, x.Dtype(), nil, p.Shape()...).Node()
			require.NoError(t, err)
			names, nodes = append(names, p.Name), append(nodes, n)
		}
		var made gorgonia.Nodes
		if len(nodes) > 0 {
			made, err = gorgonia.Grad(loss, nodes...)
			require.NoError(t, err)
		}
		for i, name := range names {
			grads[name], err = graph.Keep(made[i])
			require.NoError(t, err)
		}
	}
	m, err := machine.New(g)
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.RunAll())
	out, buffers := map[string][]float32{}, map[string][]float32{}
	for name, k := range grads {
		out[strings.ReplaceAll(name, nets.BackbonePrefix, "")] = append([]float32(nil), k.Float32s()...)
	}
	for _, p := range params.Under(nets.BackbonePrefix) {
		if p.Buffer {
			buffers[strings.ReplaceAll(p.Name, nets.BackbonePrefix, "")] = append([]float32(nil), p.Value.Data().([]float32)...)
		}
	}
	return append([]float32(nil), kept.Float32s()...), out, buffers
}

func weighing(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i%7) - 3
	}
	return out
}

// A network that was exported is the same again as a backbone: features, gradients, and what batch normalisation keeps.
func TestONNXBackboneIsTheNativeOne(t *testing.T) {
	backbone, m := exportedTrunk(t)
	read := nets.Config{Backbone: backbone, Embedding: 5}
	for _, mode := range []nets.Mode{nets.Eval, nets.Train} {
		native, again := m.Params(), graph.NewParams(3)
		x := wave(5 * 3 * 32 * 32)
		want, wantGrads, wantBuffers := trunkRun(t, nativeNet, native, mode, x)
		got, grads, buffers := trunkRun(t, read, again, mode, x)
		require.InDeltaSlice(t, want, got, 1e-6)
		require.Len(t, grads, len(wantGrads))
		require.Equal(t, mode == nets.Train, len(grads) == 60, "%d gradients", len(grads))
		for name, g := range wantGrads {
			require.InDeltaSlice(t, g, grads[name], 2e-5, name)
		}
		require.Len(t, buffers, 40)
		for name, b := range wantBuffers {
			require.InDeltaSlice(t, b, buffers[name], 1e-6, name)
		}
	}
}

// Frozen weights of such a backbone get no gradient, and frozen statistics normalise in training.
func TestONNXBackboneFreezes(t *testing.T) {
	backbone, _ := exportedTrunk(t)
	read := nets.Config{Backbone: backbone, Embedding: 5}
	x := wave(5 * 3 * 32 * 32)
	evaluated, _, before := trunkRun(t, read, graph.NewParams(3), nets.Eval, x)
	params := graph.NewParams(3)
	params.ScaleLR(nets.BackbonePrefix, 0)
	trained, grads, after := trunkRun(t, read, params, nets.Train, x)
	require.InDeltaSlice(t, evaluated, trained, 1e-6)
	require.Empty(t, grads)
	require.Equal(t, before, after)
}

// A model file holds what the backbone computes: the file of ONNX may be gone.
func TestONNXBackboneIsInTheModel(t *testing.T) {
	backbone, _ := exportedTrunk(t)
	path, _, _ := strings.Cut(strings.TrimPrefix(backbone, "onnx:"), "#")
	m := modelWith(t, model.Info{Net: nets.Config{Backbone: backbone, InChannels: 3, Height: 32, Width: 32, Embedding: 4}})
	x := wave(2 * 3 * 32 * 32)
	want, err := m.EmbedPixels(context.Background(), x)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, model.Write(&file, m.Info(), m.Params(), nil))
	require.NoError(t, os.Remove(path))

	again, err := model.Read(bytes.NewReader(file.Bytes()), model.Options{})
	require.NoError(t, err)
	defer again.Close()
	got, err := again.EmbedPixels(context.Background(), x)
	require.NoError(t, err)
	require.Equal(t, want, got)
	var exported bytes.Buffer
	require.NoError(t, again.ExportONNX(&exported, model.ONNXOptions{}))

	damaged := again.Info()
	damaged.Net.Graph = damaged.Net.Graph[:20]
	require.ErrorContains(t, model.Write(&file, damaged, m.Params(), nil), "the stored graph of the backbone")
}
