package onnxgraph

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/machine"
)

// run is what a net makes of pictures.
func run(t *testing.T, n *Net, pictures []float32, shape ...int) ([]float32, []int) {
	t.Helper()
	g := gorgonia.NewGraph()
	x, data := graph.Input(g, "pictures", shape...)
	copy(data, pictures)
	y, err := n.Build(graph.NewParams(1), graph.Data(x), Options{})
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

func floatsOf(t *testing.T, path string) []float32 {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

// difference is the largest one between two lists of numbers, by the largest of the second.
func difference(t *testing.T, got, want []float32) float64 {
	t.Helper()
	require.Len(t, got, len(want))
	worst, top := 0.0, 0.0
	for i, w := range want {
		worst, top = max(worst, math.Abs(float64(got[i]-w))), max(top, math.Abs(float64(w)))
		if math.IsNaN(float64(got[i])) {
			return math.Inf(1)
		}
	}
	return worst / max(top, 1e-30)
}

func TestDev(t *testing.T) {
	files, _ := filepath.Glob(os.Getenv("MD") + "/*.onnx")
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			base := strings.TrimSuffix(f, ".onnx")
			var d struct{ In, Out []int }
			b, err := os.ReadFile(base + ".json")
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(b, &d))
			n, err := Open(f, "")
			require.NoError(t, err)
			x, y := floatsOf(t, base+".x"), floatsOf(t, base+".y")
			for _, batch := range []int{1, 5} {
				one := append([]int{batch}, d.In[1:]...)
				got, shape := run(t, n, x[:sizeOf(one)], one...)
				want := append([]int{batch}, d.Out[1:]...)
				require.Equal(t, want, shape)
				diff := difference(t, got, y[:sizeOf(want)])
				t.Log(batch, diff, len(n.params), n.Warnings())
				require.Less(t, diff, 1e-4)
			}
		})
	}
}
