package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func batchNorm(b graph.BatchNorm) graphtest.Build {
	return func(in []graph.Expr) graph.Expr { return b.Norm(in[0], in[1], in[2], in[3], in[4]) }
}

func relu(build graphtest.Build) graphtest.Build {
	return func(in []graph.Expr) graph.Expr { return build(in).Relu() }
}

// above0 is x cut at zero.
func above0(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = max(v, 0)
	}
	return y
}

// normInputs are x, γ, β and running statistics for x's shape.
func normInputs(rng *rand.Rand, shape ...int) []graphtest.Input {
	c := shape[1]
	mean, variance := graphtest.Random(rng, c), graphtest.Random(rng, c)
	for i, v := range variance.Values {
		variance.Values[i] = 0.5 + v*v
	}
	mean.Data, variance.Data = true, true
	return []graphtest.Input{graphtest.Random(rng, shape...), graphtest.Random(rng, c), graphtest.Random(rng, c), mean, variance}
}

// normByHand is batch normalisation by its formula.
func normByHand(b graph.BatchNorm, in []graphtest.Input, eps float64) []float64 {
	shape := in[0].Shape
	c, plane := shape[1], 1
	for _, n := range shape[2:] {
		plane *= n
	}
	out := make([]float64, len(in[0].Values))
	for k := range c {
		var of []int
		for i := range in[0].Values {
			if i/plane%c == k {
				of = append(of, i)
			}
		}
		mean, variance := in[3].Values[k], in[4].Values[k]
		if b.Train {
			mean, variance = 0, 0
			for _, i := range of {
				mean += in[0].Values[i] / float64(len(of))
			}
			for _, i := range of {
				variance += math.Pow(in[0].Values[i]-mean, 2) / float64(len(of))
			}
		}
		for _, i := range of {
			out[i] = in[1].Values[k]*(in[0].Values[i]-mean)/math.Sqrt(variance+eps) + in[2].Values[k]
		}
	}
	return out
}

func TestBatchNorm(t *testing.T) {
	for _, shape := range [][]int{{4, 3, 2, 5}, {5, 3}, {1, 2, 3, 3}, {2, 1}, {3, 2, 1, 1}, {8, 5, 3, 1}} {
		for _, b := range []graph.BatchNorm{{}, {Train: true}, {Eps: 0.1, Train: true}} {
			t.Run(fmt.Sprintf("%v %+v", shape, b), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(7, 1))
				in := normInputs(rng, shape...)
				eps := b.Eps
				if eps == 0 {
					eps = 1e-5
				}
				if shape[0] == 2 { // x̂ of two numbers is ±1 whatever they are: keep away from Relu's corner
					in[1].Values[0], in[2].Values[0] = 0.5, 0.2
					b.Eps, eps = 0.1, 0.1
				}
				want := normByHand(b, in, eps)
				graphtest.Values(t, want, batchNorm(b), in...)
				graphtest.Values(t, above0(want), relu(batchNorm(b)), in...)
				for needs := 1; needs < 8; needs++ { // which of x, γ, β want a gradient
					for i := range 3 {
						in[i].Data = needs>>i&1 == 0
					}
					graphtest.Gradient(t, batchNorm(b), in...)
					graphtest.Gradient(t, relu(batchNorm(b)), in...)
				}
			})
		}
	}
}

// Running statistics move as PyTorch's: by 0.1 towards the mean and the unbiased
// variance. x's channels are (1, 2, 3, 6) and (0, 0, 4, 0): means 3 and 1, variances 14/3
// and 4.
func TestBatchNormRunning(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		params := graph.NewParams(1)
		g := gorgonia.NewGraph()
		x, err := graph.Tensor([]float64{1, 2, 0, 0, 3, 6, 4, 0}, dt, 2, 2, 1, 2)
		require.NoError(t, err)
		n := gorgonia.NewTensor(g, dt, 4, gorgonia.WithShape(2, 2, 1, 2), gorgonia.WithName("x"), gorgonia.WithValue(x))
		bn := func(b graph.BatchNorm, x *gorgonia.Node) graph.Expr {
			g := x.Graph()
			return b.Norm(graph.Data(x), params.Weight(g, "weight", dt, graph.Fill(2), 2), params.Weight(g, "bias", dt, graph.Fill(1), 2),
				params.Buffer(g, "running_mean", dt, graph.Fill(0), 2), params.Buffer(g, "running_var", dt, graph.Fill(1), 2))
		}
		y, err := bn(graph.BatchNorm{Train: true}, n).Node()
		require.NoError(t, err)
		var value gorgonia.Value
		gorgonia.Read(y, &value)
		vm := gorgonia.NewTapeMachine(g)
		mean, variance := [2]float64{0, 0}, [2]float64{1, 1}
		for run := range 3 {
			require.NoError(t, vm.RunAll())
			vm.Reset()
			for c := range 2 {
				mean[c] = 0.9*mean[c] + 0.1*[2]float64{3, 1}[c]
				variance[c] = 0.9*variance[c] + 0.1*[2]float64{14. / 3, 4}[c]
			}
			for name, want := range map[string][2]float64{"running_mean": mean, "running_var": variance} {
				got, err := graph.Numbers(params.Lookup(name).Value)
				require.NoError(t, err)
				assert.InDeltaSlice(t, want[:], got, 1e-6, "%s after run %d", name, run)
				assert.True(t, params.Lookup(name).Buffer)
			}
		}
		require.NoError(t, vm.Close())

		// An evaluation graph over the same parameters uses them and leaves them alone.
		e := gorgonia.NewGraph()
		n = gorgonia.NewTensor(e, dt, 4, gorgonia.WithShape(2, 2, 1, 2), gorgonia.WithName("x"), gorgonia.WithValue(x))
		y, err = bn(graph.BatchNorm{}, n).Node()
		require.NoError(t, err)
		gorgonia.Read(y, &value)
		vm = gorgonia.NewTapeMachine(e)
		require.NoError(t, vm.RunAll())
		got, err := graph.Numbers(value)
		require.NoError(t, err)
		assert.InDelta(t, 2*(1-mean[0])/math.Sqrt(variance[0]+1e-5)+1, got[0], 1e-5)
		assert.InDelta(t, 2*(0-mean[1])/math.Sqrt(variance[1]+1e-5)+1, got[7], 1e-5)
		after, err := graph.Numbers(params.Lookup("running_mean").Value)
		require.NoError(t, err)
		assert.InDeltaSlice(t, mean[:], after, 1e-6)
		require.NoError(t, vm.Close())
	}
}

// A large common offset must not eat the variance, in float32 either: the numbers are
// 4096 + 0 … 3, exact in float32.
func TestBatchNormOffset(t *testing.T) {
	x := make([]float64, 64)
	for i := range x {
		x[i] = 4096 + float64(i%4)
	}
	in := []graphtest.Input{graphtest.Of(x, 4, 1, 4, 4), graphtest.Of([]float64{1}, 1), graphtest.Of([]float64{0}, 1),
		graphtest.Data([]float64{0}, 1), graphtest.Data([]float64{1}, 1)}
	want := make([]float64, 64)
	for i := range want {
		want[i] = (float64(i%4) - 1.5) / math.Sqrt(1.25+1e-5)
	}
	graphtest.Values(t, want, batchNorm(graph.BatchNorm{Train: true}), in...)
	// A constant channel: variance 0, all finite.
	for i := range x {
		x[i] = 0.1
	}
	value, grads, err := graphtest.Eval(tensor.Float32, batchNorm(graph.BatchNorm{Train: true}), in...)
	require.NoError(t, err)
	for i, v := range value {
		assert.InDelta(t, 0, v, 1e-5)
		assert.False(t, math.IsNaN(grads[0][i]) || math.IsInf(grads[0][i], 0))
	}
}
