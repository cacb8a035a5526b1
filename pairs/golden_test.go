package pairs_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/pairs"
)

// TestGoldenDistances compares the matrices of all metrics, and the gradients of a
// weighted sum of them, with those of pytorch-metric-learning. The field pairwise is not
// compared: it is the matrix's diagonal with 10⁻⁶ added to every difference.
func TestGoldenDistances(t *testing.T) {
	f := golden.Open(t, "distances.json")
	f.Each(t, nil, func(t *testing.T, r *golden.Record) bool {
		require.NoError(t, r.Only("case", "distance", "query", "reference", "matrix", "grad_objective", "grad_query", "grad_ref", "pairwise"))
		m, ok := goldenMetric(r.Distance)
		if !ok {
			return false
		}
		sides, ok := goldenSides(r)
		if !ok {
			return false
		}
		for dt, tol := range map[tensor.Dtype]float64{tensor.Float64: 1e-9, tensor.Float32: 1e-4} {
			checkDistances(t, r, m, sides, dt, tol)
		}
		return true
	})
}

// goldenMetric is the Metric that the reference calls d.
func goldenMetric(d *golden.Distance) (m pairs.Metric, ok bool) {
	switch d.Type {
	case "LpDistance":
		m = pairs.LP{P: d.P, Power: d.Power, Raw: !d.Normalize}
	case "CosineSimilarity":
		m, ok = pairs.Cosine{Power: d.Power}, d.P == 2 && d.Normalize
		return m, ok && d.Inverted
	case "DotProductSimilarity":
		m = pairs.Dot{P: d.P, Power: d.Power, Raw: !d.Normalize}
	case "SNRDistance":
		m = pairs.SNR{P: d.P, Power: d.Power, Raw: !d.Normalize}
	default:
		return nil, false
	}
	return m, m.Similarity() == d.Inverted
}

// goldenSides are the embeddings whose distances were recorded: one matrix, or two.
func goldenSides(r *golden.Record) (sides []golden.Matrix, ok bool) {
	for _, field := range []string{"query", "reference"} {
		var name string
		if _, err := r.Field(field, &name); err != nil {
			return nil, false
		}
		switch name {
		case "embeddings":
			sides = append(sides, r.Input.Embeddings)
		case "ref_emb":
			sides = append(sides, r.Input.RefEmb)
		default:
			return nil, false
		}
	}
	if slices.Equal(sides[0].Data, sides[1].Data) {
		sides = sides[:1]
	}
	return sides, true
}

func checkDistances(t *testing.T, r *golden.Record, m pairs.Metric, sides []golden.Matrix, dt tensor.Dtype, tol float64) {
	g := gorgonia.NewGraph()
	var x []graph.Expr
	var nodes gorgonia.Nodes
	for i, s := range sides {
		n := node(t, g, string(rune('x'+i)), dt, s.Data, s.Rows, s.Cols)
		nodes = append(nodes, n)
		x = append(x, graph.Of(n))
	}
	d := m.Between(x[0], x[len(x)-1])
	rows, cols := d.Shape()[0], d.Shape()[1]
	// The objective of the file: Σ M_ij·(probe(N)[i] + 0.7)·(probe(N)[N−1−j] − 0.2).
	require.Contains(t, objective(t, r), "sum_ij M_ij * (probe(N)[i]+0.7) * (probe(N)[N-1-j]-0.2)")
	weights := make([]float64, rows*cols)
	pi, pj := golden.Probe(rows), golden.Probe(cols)
	for k := range weights {
		weights[k] = (pi[k/cols] + 0.7) * (pj[cols-1-k%cols] - 0.2)
	}
	w := node(t, g, "weights", dt, weights, rows, cols)
	values := run(t, g, d, d.Mul(graph.Data(w)).Sum(), nodes)

	var want golden.Matrix
	ok, err := r.Field("matrix", &want)
	require.True(t, ok)
	require.NoError(t, err)
	require.NoError(t, golden.Compare(values[0], want.Data, tol), "matrix, %v", dt)
	for i, field := range []string{"grad_query", "grad_ref"}[:len(sides)] {
		var grad golden.Gradient
		ok, err := r.Field(field, &grad)
		require.True(t, ok, field)
		require.NoError(t, err)
		require.NoError(t, grad.Check(values[1+i], sides[i].Rows, sides[i].Cols, tol), "%s, %v", field, dt)
	}
}

func objective(t *testing.T, r *golden.Record) (text string) {
	_, err := r.Field("grad_objective", &text)
	require.NoError(t, err)
	return text
}

// node makes a named input with values.
func node(t *testing.T, g *gorgonia.ExprGraph, name string, dt tensor.Dtype, values []float64, shape ...int) *gorgonia.Node {
	d, err := graph.Tensor(values, dt, shape...)
	require.NoError(t, err)
	return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(d))
}

// run computes out and the gradients of cost to nodes.
func run(t *testing.T, g *gorgonia.ExprGraph, out, cost graph.Expr, nodes gorgonia.Nodes) [][]float64 {
	n, err := cost.Node()
	require.NoError(t, err)
	grads, err := gorgonia.Grad(n, nodes...)
	require.NoError(t, err)
	o, err := out.Node()
	require.NoError(t, err)
	read := append(gorgonia.Nodes{o}, grads...)
	values := make([]gorgonia.Value, len(read))
	for i, n := range read {
		gorgonia.Read(n, &values[i])
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	require.NoError(t, vm.RunAll())
	numbers := make([][]float64, len(values))
	for i, v := range values {
		numbers[i], err = graph.Numbers(v)
		require.NoError(t, err)
	}
	return numbers
}
