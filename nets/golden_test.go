package nets_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/nets"
)

// goldenNet is a network that testdata/nets_torch.py recorded in PyTorch, in float64.
type goldenNet struct {
	Name       string
	Config     nets.Config
	Batch      int
	X          []float64
	Objective  []float64
	Parameters map[string][]float64
	Train      []float64
	Gradients  map[string][]float64
	Buffers    map[string][]float64
	Eval       []float64
}

// One training step and one evaluation of five small networks equal PyTorch's: outputs,
// gradients and running statistics, and the names of all parameters.
func TestGoldenNets(t *testing.T) {
	raw, err := os.ReadFile("testdata/nets.json")
	require.NoError(t, err)
	var file struct{ Records []goldenNet }
	require.NoError(t, json.Unmarshal(raw, &file))
	require.Len(t, file.Records, 5)
	for _, r := range file.Records {
		t.Run(r.Name, func(t *testing.T) {
			// float32: deep nets with statistics of few numbers lose digits.
			for dt, tol := range map[tensor.Dtype]float64{tensor.Float64: 1e-9, tensor.Float32: 2e-3} {
				r.check(t, dt, tol)
			}
		})
	}
}

func (r goldenNet) check(t *testing.T, dt tensor.Dtype, tol float64) {
	params := graph.NewParams(3)
	train := r.machine(t, params, dt, nets.Train)
	var names []string
	for _, item := range params.All() {
		names = append(names, item.Name)
		want, ok := r.Parameters[torchName(item.Name)]
		require.True(t, ok, "%s is no name of PyTorch's", item.Name)
		fill(item.Value, want)
	}
	assert.Len(t, names, len(r.Parameters))
	near(t, r.Train, train.run(t), tol, "embeddings in training")
	require.Len(t, train.names, len(r.Gradients))
	for i, name := range train.names {
		got, err := graph.Numbers(train.grads[i])
		require.NoError(t, err)
		near(t, r.Gradients[torchName(name)], got, tol, "gradient to "+name)
	}
	for name, want := range r.Buffers {
		item := params.Lookup(nets.BackbonePrefix + name)
		require.NotNil(t, item, name)
		got, err := graph.Numbers(item.Value)
		require.NoError(t, err)
		near(t, want, got, tol, name)
	}
	near(t, r.Eval, r.machine(t, params, dt, nets.Eval).run(t), tol, "embeddings in evaluation")
}

// torchName is a parameter's name in PyTorch's models: without the prefix.
func torchName(name string) string {
	_, local, _ := strings.Cut(name, ".")
	return local
}

func (r goldenNet) machine(t *testing.T, params *graph.Params, dt tensor.Dtype, mode nets.Mode) *netMachine {
	m := newMachine(t, r.Config, params, mode, dt, r.Batch)
	fill(m.pictures, r.X)
	if mode == nets.Train {
		for _, n := range m.net.Embedding.Graph().AllNodes() {
			if n.Name() == "objective" {
				fill(n.Value().(*tensor.Dense), r.Objective)
			}
		}
	}
	return m
}

func fill(d gorgonia.Value, values []float64) {
	switch data := d.Data().(type) {
	case []float64:
		copy(data, values)
	case []float32:
		for i, v := range values {
			data[i] = float32(v)
		}
	}
}

// near compares up to tol of the largest entry.
func near(t *testing.T, want, got []float64, tol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	scale := max(slices.Max(want), -slices.Min(want))
	for i := range want {
		require.InDelta(t, want[i], got[i], tol*scale, "%s, entry %d", what, i)
	}
}
