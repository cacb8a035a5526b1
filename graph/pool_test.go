package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

type poolCase struct {
	name string
	x    []int
	p    graph.Pool
}

var poolCases = []poolCase{
	{"halves", []int{2, 3, 6, 8}, graph.Pool{Window: [2]int{2, 2}}},
	{"halves of odd sides", []int{2, 3, 7, 5}, graph.Pool{Window: [2]int{2, 2}}},
	{"halves, rounded up", []int{2, 3, 7, 5}, graph.Pool{Window: [2]int{2, 2}, Ceil: true}},
	{"one pixel", []int{1, 1, 1, 1}, graph.Pool{Window: [2]int{1, 1}}},
	{"one pixel, padded", []int{1, 2, 1, 1}, graph.Pool{Window: [2]int{2, 3}, Pad: [2]int{1, 1}}},
	{"overlapping", []int{2, 2, 7, 6}, graph.Pool{Window: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}}},
	{"overlapping, rounded up", []int{2, 2, 8, 6}, graph.Pool{Window: [2]int{3, 2}, Stride: [2]int{2, 3}, Pad: [2]int{1, 1}, Ceil: true}},
	{"stride beyond the window", []int{2, 2, 9, 8}, graph.Pool{Window: [2]int{2, 1}, Stride: [2]int{4, 3}}},
	{"a last window in the padding", []int{1, 2, 3, 3}, graph.Pool{Window: [2]int{2, 2}, Stride: [2]int{4, 4}, Pad: [2]int{1, 1}, Ceil: true}},
	{"whole picture", []int{2, 3, 4, 5}, graph.Pool{Window: [2]int{4, 5}}},
}

// windows is the list of pixels of each window, per plane, by the definition, and how
// many pixels of picture and padding it covers.
func (c poolCase) windows() (out tensor.Shape, pixels [][]int, covered []int) {
	p := c.p
	var size [2]int
	for i := range 2 {
		if p.Stride[i] == 0 {
			p.Stride[i] = p.Window[i]
		}
		room := c.x[2+i] + 2*p.Pad[i] - p.Window[i]
		size[i] = room/p.Stride[i] + 1
		if p.Ceil && room%p.Stride[i] != 0 && size[i]*p.Stride[i] < c.x[2+i]+p.Pad[i] {
			size[i]++
		}
	}
	for i := range size[0] {
		for j := range size[1] {
			var list []int
			n := 0
			for a := range p.Window[0] {
				for b := range p.Window[1] {
					h, w := i*p.Stride[0]+a-p.Pad[0], j*p.Stride[1]+b-p.Pad[1]
					if h < c.x[2]+p.Pad[0] && w < c.x[3]+p.Pad[1] {
						n++
					}
					if h >= 0 && h < c.x[2] && w >= 0 && w < c.x[3] {
						list = append(list, h*c.x[3]+w)
					}
				}
			}
			pixels, covered = append(pixels, list), append(covered, n)
		}
	}
	return tensor.Shape{c.x[0], c.x[1], size[0], size[1]}, pixels, covered
}

func TestPooling(t *testing.T) {
	for _, c := range poolCases {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(6, 1))
			x := graphtest.Random(rng, c.x...)
			out, windows, covered := c.windows()
			var largest, mean, meanInside []float64
			for p := range c.x[0] * c.x[1] {
				plane := x.Values[p*c.x[2]*c.x[3]:]
				for k, pixels := range windows {
					top, sum := math.Inf(-1), 0.0
					for _, i := range pixels {
						top = math.Max(top, plane[i])
						sum += plane[i]
					}
					largest = append(largest, top)
					mean = append(mean, sum/float64(covered[k]))
					meanInside = append(meanInside, sum/float64(len(pixels)))
				}
			}
			check := func(want []float64, build graphtest.Build) {
				t.Helper()
				m, err := graphtest.New(tensor.Float64, build, x)
				require.NoError(t, err)
				assert.Equal(t, out, m.Shape)
				require.NoError(t, m.Close())
				graphtest.Values(t, want, build, x)
				graphtest.Gradient(t, build, x)
			}
			check(largest, func(in []graph.Expr) graph.Expr { return graph.MaxPool(in[0], c.p) })
			check(mean, func(in []graph.Expr) graph.Expr { return graph.AvgPool(in[0], c.p) })
			c.p.ExcludePad = true
			check(meanInside, func(in []graph.Expr) graph.Expr { return graph.AvgPool(in[0], c.p) })
		})
	}
}

// Of equal pixels the first gets the gradient; NaN wins and is not lost.
func TestMaxPoolTies(t *testing.T) {
	for name, p := range map[string]graph.Pool{
		"halves":  {Window: [2]int{2, 2}},
		"general": {Window: [2]int{2, 2}, Stride: [2]int{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(in []graph.Expr) graph.Expr { return graph.MaxPool(in[0], p) }
			value, grads, err := graphtest.Eval(tensor.Float64, build, graphtest.Of([]float64{0, 0, 0, 0}, 1, 1, 2, 2))
			require.NoError(t, err)
			assert.Equal(t, []float64{0}, value)
			assert.Equal(t, []float64{graphtest.Weights(1)[0], 0, 0, 0}, grads[0])
			for i := range 4 {
				x := []float64{1, 2, 3, 4}
				x[i] = math.NaN()
				value, grads, err = graphtest.Eval(tensor.Float64, build, graphtest.Of(x, 1, 1, 2, 2))
				require.NoError(t, err)
				assert.True(t, math.IsNaN(value[0]))
				assert.NotZero(t, grads[0][i])
			}
		})
	}
}

// Two poolings of one picture are two ops, each with its own memory.
func TestMaxPoolTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 2))
	p := graph.Pool{Window: [2]int{2, 2}}
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
		return graph.MaxPool(in[0], p).Square().Add(graph.MaxPool(in[0], p)).Add(graph.MaxPool(in[0].Neg(), p))
	}, graphtest.Random(rng, 2, 2, 4, 4))
}

func TestGlobalAvgPool(t *testing.T) {
	build := func(in []graph.Expr) graph.Expr { return graph.GlobalAvgPool(in[0]) }
	rng := rand.New(rand.NewPCG(6, 3))
	graphtest.Values(t, []float64{2.5, 6.5, -1, 0}, build,
		graphtest.Of([]float64{1, 2, 3, 4, 5, 6, 7, 8, -1, -1, -1, -1, 3, -3, 2, -2}, 2, 2, 2, 2))
	for _, s := range [][]int{{2, 3, 4, 5}, {1, 1, 1, 1}, {3, 2, 1, 7}} {
		graphtest.Gradient(t, build, graphtest.Random(rng, s...))
	}
}
