package graph_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// convCase is one geometry: x (B, C, H, W), w (O, C/G, KH, KW).
type convCase struct {
	name string
	x, w []int
	c    graph.Conv
}

var convCases = []convCase{
	{"plain", []int{2, 3, 5, 4}, []int{4, 3, 3, 3}, graph.Conv{Pad: [2]int{1, 1}}},
	{"one pixel", []int{1, 1, 1, 1}, []int{1, 1, 1, 1}, graph.Conv{}},
	{"one pixel, padded", []int{2, 2, 1, 1}, []int{3, 2, 3, 3}, graph.Conv{Pad: [2]int{1, 1}}},
	{"window of the picture", []int{2, 2, 3, 4}, []int{3, 2, 3, 4}, graph.Conv{}},
	{"1×1", []int{2, 4, 3, 3}, []int{5, 4, 1, 1}, graph.Conv{}},
	{"1×1 at stride 2", []int{2, 4, 5, 4}, []int{5, 4, 1, 1}, graph.Conv{Stride: [2]int{2, 2}}},
	{"stride", []int{2, 2, 7, 6}, []int{3, 2, 3, 2}, graph.Conv{Stride: [2]int{2, 3}, Pad: [2]int{1, 0}}},
	{"stride beyond the window", []int{2, 2, 8, 9}, []int{3, 2, 2, 1}, graph.Conv{Stride: [2]int{3, 4}}},
	{"dilation", []int{2, 2, 7, 8}, []int{2, 2, 3, 2}, graph.Conv{Dilation: [2]int{2, 3}, Pad: [2]int{2, 1}}},
	{"groups", []int{2, 6, 4, 4}, []int{9, 2, 3, 3}, graph.Conv{Groups: 3, Pad: [2]int{1, 1}}},
	{"a group a channel", []int{2, 4, 4, 5}, []int{8, 1, 3, 3}, graph.Conv{Groups: 4, Pad: [2]int{1, 1}, Stride: [2]int{2, 1}}},
	{"7×7 stem", []int{1, 3, 9, 9}, []int{4, 3, 7, 7}, graph.Conv{Stride: [2]int{2, 2}, Pad: [2]int{3, 3}}},
	{"padding beyond the window", []int{1, 2, 3, 3}, []int{2, 2, 2, 2}, graph.Conv{Pad: [2]int{3, 2}}},
}

// convolve is the convolution by its definition.
func (c convCase) convolve(x, w, bias []float64) (y []float64) {
	or1 := func(v [2]int) [2]int { return [2]int{max(v[0], 1), max(v[1], 1)} }
	s, d, groups := or1(c.c.Stride), or1(c.c.Dilation), max(c.c.Groups, 1)
	size := func(i int) int { return (c.x[2+i]+2*c.c.Pad[i]-d[i]*(c.w[2+i]-1)-1)/s[i] + 1 }
	for n := range c.x[0] {
		for o := range c.w[0] {
			for i := range size(0) {
				for j := range size(1) {
					sum := bias[o]
					for k := range c.w[1] {
						for a := range c.w[2] {
							for b := range c.w[3] {
								h, v := i*s[0]+a*d[0]-c.c.Pad[0], j*s[1]+b*d[1]-c.c.Pad[1]
								if h < 0 || h >= c.x[2] || v < 0 || v >= c.x[3] {
									continue
								}
								channel := o/(c.w[0]/groups)*c.w[1] + k
								sum += x[((n*c.x[1]+channel)*c.x[2]+h)*c.x[3]+v] * w[((o*c.w[1]+k)*c.w[2]+a)*c.w[3]+b]
							}
						}
					}
					y = append(y, sum)
				}
			}
		}
	}
	return y
}

func TestConv2D(t *testing.T) {
	for _, c := range convCases {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 1))
			x, w, b := graphtest.Random(rng, c.x...), graphtest.Random(rng, c.w...), graphtest.Random(rng, c.w[0])
			biased := func(in []graph.Expr) graph.Expr { return graph.Conv2D(in[0], in[1], in[2], c.c) }
			bare := func(in []graph.Expr) graph.Expr { return graph.Conv2D(in[0], in[1], graph.Expr{}, c.c) }
			want, wantBare := c.convolve(x.Values, w.Values, b.Values), c.convolve(x.Values, w.Values, make([]float64, c.w[0]))
			graphtest.Values(t, want, biased, x, w, b)
			graphtest.Values(t, wantBare, bare, x, w)
			graphtest.Values(t, above0(want), relu(biased), x, w, b)
			graphtest.Values(t, above0(wantBare), relu(bare), x, w)
			for _, build := range []graphtest.Build{biased, relu(biased)} {
				graphtest.Gradient(t, build, x, w, b)
			}
			for _, build := range []graphtest.Build{bare, relu(bare)} {
				graphtest.Gradient(t, build, x, w)
			}
		})
	}
}

// A picture that is data gets no gradient, and the weights get the same one.
func TestConv2DOfData(t *testing.T) {
	c := convCases[0]
	rng := rand.New(rand.NewPCG(5, 2))
	x, w, b := graphtest.Random(rng, c.x...), graphtest.Random(rng, c.w...), graphtest.Random(rng, c.w[0])
	build := func(in []graph.Expr) graph.Expr { return graph.Conv2D(in[0], in[1], in[2], c.c) }
	_, want, err := graphtest.Eval(tensor.Float64, build, x, w, b)
	require.NoError(t, err)
	x.Data = true
	graphtest.Gradient(t, build, x, w, b)
	_, got, err := graphtest.Eval(tensor.Float64, build, x, w, b)
	require.NoError(t, err)
	assert.Nil(t, got[0])
	assert.Equal(t, want[1:], got[1:])
}
