package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// stretchings are pairs of a shape and one that it can be stretched to.
var stretchings = [][2][]int{
	{{}, {1}}, {{}, {4}}, {{}, {3, 2}}, {{1}, {5}}, {{1, 1}, {3, 4}}, {{3, 1}, {3, 4}}, {{1, 4}, {3, 4}},
	{{1, 3, 1}, {2, 3, 4}}, {{2, 1, 4}, {2, 3, 4}}, {{1, 3, 1, 1}, {2, 3, 4, 5}}, {{2, 1, 3, 1}, {2, 5, 3, 7}},
}

func TestSumToAndBroadcast(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, s := range stretchings {
		small, big := tensor.Shape(s[0]), tensor.Shape(s[1])
		t.Run(fmt.Sprint(small, big), func(t *testing.T) {
			x := graphtest.Random(rng, big...)
			// The naive sum: every element goes where its index, cut to the small shape, points.
			sums := graphtest.Of(make([]float64, product(small)), small...)
			k := 0
			indices(big, func(index []int) {
				j := 0
				for i, n := range small {
					j *= n
					if n > 1 {
						j += index[i]
					}
				}
				sums.Values[j] += x.Values[k]
				k++
			})
			sum := func(in []graph.Expr) graph.Expr { return in[0].SumTo(small) }
			graphtest.Values(t, sums.Values, sum, x)
			graphtest.Gradient(t, sum, x)

			var want []float64
			stretch := func(in []graph.Expr) graph.Expr { return in[0].BroadcastTo(big) }
			if small.Dims() == 0 {
				small = tensor.Shape{1}
				scalar := stretch
				stretch = func(in []graph.Expr) graph.Expr { return scalar([]graph.Expr{in[0].Sum()}) }
			}
			y := graphtest.Random(rng, small...)
			indices(big, func(index []int) {
				if len(small) != len(index) {
					index = index[:1]
				}
				want = append(want, at(y, index))
			})
			graphtest.Values(t, want, stretch, y)
			graphtest.Gradient(t, stretch, y)
		})
	}
}

func product(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// FuzzBinaryWalk compares stretched addition with naive index arithmetic over all
// shapes of up to five axes; the numbers' bits choose the axes and their sizes.
func FuzzBinaryWalk(f *testing.F) {
	for _, seed := range []uint64{0, 1, 0b101_10_110_01, 1 << 40, 0x123456789abcdef, 0xfedcba987654321, math.MaxUint64} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		next := func(n uint64) int {
			k := bits % n
			bits /= n
			return int(k)
		}
		var a, b, out []int
		for range 1 + next(5) {
			n := 1 + next(5)
			x, y := n, n
			switch next(3) {
			case 0:
				x = 1
			case 1:
				y = 1
			}
			a, b = append(a, x), append(b, y)
			if x == 1 {
				x = y
			}
			out = append(out, x)
		}
		x, y := counted(a, 1), counted(b, 1000)
		var want []float64
		indices(out, func(k []int) { want = append(want, at(x, k)+at(y, k)) })
		got, grads, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return in[0].Add(in[1]) }, x, y)
		if err != nil {
			t.Fatalf("%v + %v: %v", a, b, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v + %v is %v, want %v", a, b, got, want)
		}
		weights := graphtest.Weights(len(got))
		for i, in := range []graphtest.Input{x, y} {
			sums := graphtest.Of(make([]float64, product(in.Shape)), in.Shape...)
			k := 0
			indices(out, func(index []int) {
				j := 0
				for axis, n := range in.Shape {
					j *= n
					if n > 1 {
						j += index[axis]
					}
				}
				sums.Values[j] += weights[k]
				k++
			})
			for j, v := range sums.Values {
				if math.Abs(v-grads[i][j]) > 1e-12 {
					t.Fatalf("gradient of %v + %v to input %d is %v, want %v", a, b, i, grads[i], sums.Values)
				}
			}
		}
	})
}

// counted is an input of the numbers step, 2·step, 3·step, …
func counted(shape []int, step float64) graphtest.Input {
	in := graphtest.Of(make([]float64, product(shape)), shape...)
	for i := range in.Values {
		in.Values[i] = float64(i+1) * step
	}
	return in
}

func TestSums(t *testing.T) {
	x := graphtest.Of([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
	for _, c := range []struct {
		name  string
		apply func(graph.Expr) graph.Expr
		want  []float64
	}{
		{"sum", graph.Expr.Sum, []float64{21}},
		{"mean", graph.Expr.Mean, []float64{3.5}},
		{"over rows", func(e graph.Expr) graph.Expr { return e.SumAxis(0) }, []float64{5, 7, 9}},
		{"over columns", func(e graph.Expr) graph.Expr { return e.SumAxis(1) }, []float64{6, 15}},
		{"transposed", graph.Expr.T, []float64{1, 4, 2, 5, 3, 6}},
		{"reshaped", func(e graph.Expr) graph.Expr { return e.Reshape(3, 1, 2) }, x.Values},
	} {
		t.Run(c.name, func(t *testing.T) {
			graphtest.Values(t, c.want, unary(c.apply), x)
			graphtest.Gradient(t, unary(c.apply), x)
		})
	}
}

// A long sum of one number in float32 stays exact to rounding; added up naively it
// would stop growing at 2²⁴ times the number.
func TestLongSumIsAccurate(t *testing.T) {
	x := graphtest.Of(constants(0.1, 1<<20), 1<<10, 1<<10)
	got, _, err := graphtest.Eval(tensor.Float32, unary(graph.Expr.Sum), x)
	if err != nil || math.Abs(got[0]/(float64(float32(0.1))*(1<<20))-1) > 1e-7 {
		t.Fatal(got, err)
	}
}

func TestTranspose(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 2))
	for _, s := range [][2]int{{1, 1}, {1, 9}, {9, 1}, {33, 70}, {64, 64}, {129, 31}} {
		x := graphtest.Random(rng, s[0], s[1])
		want := make([]float64, len(x.Values))
		for i := range s[0] {
			for j := range s[1] {
				want[j*s[0]+i] = x.Values[i*s[1]+j]
			}
		}
		graphtest.Values(t, want, unary(graph.Expr.T), x)
	}
	graphtest.Gradient(t, unary(graph.Expr.T), graphtest.Random(rng, 4, 7))
}

func TestFlatten(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	x := graphtest.Random(rng, 2, 3, 4, 5)
	flat := func(in []graph.Expr) graph.Expr { return in[0].Flatten() }
	m, err := graphtest.New(tensor.Float64, flat, x)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 60}, []int(m.Shape))
	require.NoError(t, m.Close())
	graphtest.Values(t, x.Values, flat, x)
	graphtest.Gradient(t, flat, x)
}
