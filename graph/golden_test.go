package graph_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// goldenOps are the ops of testdata/ops.json, by PyTorch.
var goldenOps = map[string]func(in []graph.Expr, o goldenOptions) graph.Expr{
	"layernorm": func(in []graph.Expr, o goldenOptions) graph.Expr { return graph.LayerNorm(in[0], in[1], in[2], o.Eps) },
	"layernorm plain": func(in []graph.Expr, o goldenOptions) graph.Expr {
		return graph.LayerNorm(in[0], graph.Expr{}, graph.Expr{}, o.Eps)
	},
	"gelu":         func(in []graph.Expr, _ goldenOptions) graph.Expr { return in[0].GELU() },
	"gelu tanh":    func(in []graph.Expr, _ goldenOptions) graph.Expr { return in[0].GELUTanh() },
	"swish":        func(in []graph.Expr, o goldenOptions) graph.Expr { return in[0].Swish(o.Beta) },
	"hardswish":    func(in []graph.Expr, _ goldenOptions) graph.Expr { return in[0].HardSwish() },
	"hardsigmoid":  func(in []graph.Expr, _ goldenOptions) graph.Expr { return in[0].HardSigmoid() },
	"prelu":        func(in []graph.Expr, _ goldenOptions) graph.Expr { return in[0].PReLU(in[1]) },
	"softmax":      func(in []graph.Expr, o goldenOptions) graph.Expr { return in[0].Softmax(o.Axis) },
	"log-softmax":  func(in []graph.Expr, o goldenOptions) graph.Expr { return in[0].LogSoftmax(o.Axis) },
	"batch matmul": func(in []graph.Expr, _ goldenOptions) graph.Expr { return in[0].BatchMatMul(in[1]) },
	"permute":      func(in []graph.Expr, o goldenOptions) graph.Expr { return in[0].Permute(o.Axes...) },
	"where else":   func(in []graph.Expr, _ goldenOptions) graph.Expr { return graph.WhereElse(in[0], in[1], in[2]) },
	"conv": func(in []graph.Expr, o goldenOptions) graph.Expr {
		both := func(n int) [2]int { return [2]int{n, n} }
		return graph.Conv2D(in[0], in[1], in[2], graph.Conv{Stride: both(o.Stride), Pad: both(o.Pad), Dilation: both(o.Dilation), Groups: o.Groups})
	},
}

type goldenOptions struct {
	Eps, Beta                     float64
	Axis                          int
	Axes                          []int
	Stride, Pad, Dilation, Groups int
}

// goldenRecord is a result of PyTorch's, with the gradients of its weighted sum.
type goldenRecord struct {
	Op      string
	Options goldenOptions
	Inputs  []struct {
		Shape        []int
		Values, Grad []float64
		Data         bool
	}
	Shape  []int
	Values []float64
}

// The ops and their gradients are PyTorch's, in float64 to the last digits, in float32 to
// what float32 holds, on every machine.
func TestGoldenOps(t *testing.T) {
	raw, err := os.ReadFile("testdata/ops.json")
	require.NoError(t, err)
	var all struct{ Records []goldenRecord }
	require.NoError(t, json.Unmarshal(raw, &all))
	require.Greater(t, len(all.Records), 30)
	seen := map[string]bool{}
	for i, r := range all.Records {
		seen[r.Op] = true
		t.Run(fmt.Sprint(i, " ", r.Op), func(t *testing.T) { checkGolden(t, r) })
	}
	for op := range goldenOps {
		require.True(t, seen[op], "no record of %s", op)
	}
}

func checkGolden(t *testing.T, r goldenRecord) {
	var in []graphtest.Input
	for _, x := range r.Inputs {
		in = append(in, graphtest.Input{Shape: x.Shape, Values: x.Values, Data: x.Data})
	}
	build := func(in []graph.Expr) graph.Expr { return goldenOps[r.Op](in, r.Options) }
	graphtest.Values(t, r.Values, build, in...)
	for dt, tol := range map[tensor.Dtype]float64{tensor.Float64: 1e-12, tensor.Float32: 2e-6} {
		if graphtest.Device != nil && dt != tensor.Float32 {
			continue
		}
		for name, machine := range map[string]func(tensor.Dtype, graphtest.Build, ...graphtest.Input) (*graphtest.Machine, error){
			"ours": graphtest.New, "Gorgonia's": graphtest.NewPlain,
		} {
			if graphtest.Device != nil && name != "ours" {
				continue
			}
			m, err := machine(dt, build, in...)
			require.NoError(t, err)
			require.Equal(t, r.Shape, []int(m.Shape))
			for range 2 {
				got, grads, err := m.Run()
				require.NoError(t, err)
				requireClose(t, r.Values, got, tol, name)
				for i, x := range r.Inputs {
					if !x.Data {
						requireClose(t, x.Grad, grads[i], 4*tol, fmt.Sprintf("%s, gradient to input %d", name, i))
					}
				}
			}
			require.NoError(t, m.Close())
		}
	}
}

// requireClose holds numbers to a tolerance of the largest of them, or of 1.
func requireClose(t *testing.T, want, got []float64, tol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	top := 1.
	for _, v := range want {
		top = max(top, v, -v)
	}
	for i, v := range want {
		require.InDelta(t, v, got[i], tol*top, "%s, number %d", what, i)
	}
}
