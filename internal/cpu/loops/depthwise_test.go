package loops

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// depthShapes are convolutions of each channel alone: strides that are larger than the window,
// padding at least as large as it, windows larger than the picture, pixels that no window sees.
var depthShapes = []spec.Conv2D{
	{N: 2, C: 3, H: 14, W: 14, KH: 7, KW: 7, PadH: 3, PadW: 3},
	{N: 2, C: 2, H: 112, W: 75, KH: 3, KW: 3, PadH: 1, PadW: 1},
	{N: 1, C: 4, H: 9, W: 130, KH: 5, KW: 5, PadH: 2, PadW: 2, StrideH: 2, StrideW: 2},
	{N: 3, C: 5, H: 8, W: 7, KH: 3, KW: 3, PadH: 1, PadW: 1, StrideH: 2, StrideW: 2},
	{N: 2, C: 2, H: 7, W: 8, KH: 2, KW: 2, StrideH: 3, StrideW: 5},
	{N: 2, C: 2, H: 3, W: 2, KH: 2, KW: 1, PadH: 4, PadW: 3},
	{N: 1, C: 3, H: 2, W: 2, KH: 5, KW: 4, PadH: 2, PadW: 1},
	{N: 1, C: 2, H: 1, W: 1, KH: 1, KW: 1},
	{N: 1, C: 2, H: 1, W: 1, KH: 3, KW: 3, PadH: 1, PadW: 1, StrideH: 4, StrideW: 4},
	{N: 2, C: 2, H: 12, W: 13, KH: 3, KW: 3, PadH: 2, PadW: 2, DilH: 2, DilW: 3},
	{N: 2, C: 2, H: 12, W: 13, KH: 3, KW: 2, PadH: 2, DilH: 2, DilW: 4, StrideH: 2, StrideW: 3},
	{N: 1, C: 2, H: 5, W: 5, KH: 1, KW: 3, StrideH: 2, PadW: 5, StrideW: 4},
}

func TestDepthwiseAgreesWithTheSum(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		withThreads(t, 2)
		r := rand.New(rand.NewPCG(61, 62))
		var ws32 Workspace[float32]
		var ws64 Workspace[float64]
		check := func(p spec.Conv2D) {
			p.OutC, p.Groups = p.C, p.C
			require.NoError(t, p.Validate())
			q := p.WithDefaults()
			require.True(t, q.Depthwise())
			checkConv(t, r, &p, &ws32)
			checkConv(t, r, &p, &ws64)
		}
		for _, p := range depthShapes {
			check(p)
		}
		for range 40 {
			p := randomConv(r)
			p.C = 2 + r.IntN(4)
			check(*p)
		}
	})
}

// A convolution of each channel alone is done without products of matrices.
func TestDepthwiseIsTaken(t *testing.T) {
	p := spec.Conv2D{N: 2, C: 3, H: 5, W: 5, OutC: 3, KH: 3, KW: 3, Groups: 3}
	f := func(n int) []float32 { return make([]float32, n) }
	var ws Workspace[float32]
	ConvForward(&p, f(150), f(27), nil, f(54), false, &ws)
	require.Len(t, ws.depth.phases, 1)
	require.Nil(t, ws.product.weights)
	ws = Workspace[float32]{}
	ConvGradInput(&p, f(54), f(27), f(150), &ws)
	require.Len(t, ws.depth.phases, 1)
	ws = Workspace[float32]{}
	ConvGradWeight(&p, f(150), f(54), f(27), nil, &ws)
	require.Len(t, ws.depth.phases, 1)
	require.Nil(t, ws.weight.sums)
	p.Groups = 1
	ws = Workspace[float32]{}
	ConvForward(&p, f(150), f(81), nil, f(54), false, &ws)
	require.Empty(t, ws.depth.phases)
}

// ConvNeXt's and EfficientNet's windows, with the operations that the definition has.
func BenchmarkDepthwise(b *testing.B) {
	for name, p := range map[string]spec.Conv2D{
		"7x7/96/56":    {N: 8, C: 96, H: 56, W: 56, KH: 7, KW: 7, PadH: 3, PadW: 3},
		"3x3/144/56":   {N: 8, C: 144, H: 56, W: 56, KH: 3, KW: 3, PadH: 1, PadW: 1},
		"3x3s2/144/56": {N: 8, C: 144, H: 56, W: 56, KH: 3, KW: 3, PadH: 1, PadW: 1, StrideH: 2, StrideW: 2},
		"5x5/672/14":   {N: 8, C: 672, H: 14, W: 14, KH: 5, KW: 5, PadH: 2, PadW: 2},
	} {
		p.OutC, p.Groups = p.C, p.C
		r := rand.New(rand.NewPCG(1, 1))
		x, w := randomSlice[float32](r, p.N*p.C*p.H*p.W), randomSlice[float32](r, p.C*p.KH*p.KW)
		dy, dx := randomSlice[float32](r, p.N*p.C*p.OutH()*p.OutW()), make([]float32, len(x))
		y, dw := make([]float32, len(dy)), make([]float32, len(w))
		var ws Workspace[float32]
		for pass, f := range map[string]func(){
			"forward":    func() { ConvForward(&p, x, w, nil, y, false, &ws) },
			"to-input":   func() { ConvGradInput(&p, dy, w, dx, &ws) },
			"to-weights": func() { ConvGradWeight(&p, x, dy, dw, nil, &ws) },
		} {
			b.Run(name+"/"+pass, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(2*float64(len(dy)*p.KH*p.KW*b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
	}
}
