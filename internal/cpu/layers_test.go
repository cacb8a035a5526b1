package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

// layerCase is a spec with the sizes of its inputs and output.
type layerCase struct {
	name string
	spec any
	in   []int
	out  int
}

// layerCases are large enough that every loop is cut into several pieces.
func layerCases() []layerCase {
	conv := spec.Conv2D{N: 6, C: 4, H: 19, W: 17, OutC: 10, KH: 3, KW: 3, PadH: 1, PadW: 1}
	nx, nw, ny := 6*4*19*17, 10*4*9, 6*10*19*17
	pool := spec.Pool2D{Planes: 60, H: 41, W: 40, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}
	halves := spec.Pool2D{Planes: 60, H: 41, W: 40, KH: 2, KW: 2, StrideH: 2, StrideW: 2}
	np := 60 * 41 * 40
	bn := spec.BatchNorm{N: 5, C: 12, Plane: 41 * 40}
	rows := spec.BatchNorm{N: 999, C: 70, Plane: 1, Relu: true}
	nb, nr := 5*12*41*40, 999*70
	return []layerCase{
		{"linear", spec.Linear{B: 33, F: 65, O: 129, Bias: true}, []int{33 * 65, 129 * 65, 129}, 33 * 129},
		{"channel sum", spec.ChannelSum{N: 5, C: 12, Plane: 41 * 40}, []int{nb}, 12},
		{"channel sum of rows", spec.ChannelSum{N: 999, C: 70, Plane: 1}, []int{nr}, 70},
		{"add relu", spec.AddRelu{N: 50001}, []int{50001, 50001}, 50001},
		{"conv", spec.Conv{Conv2D: conv, Bias: true, Relu: true}, []int{nx, nw, 10}, ny},
		{"conv and norm", spec.ConvNorm{Conv2D: conv, Relu: true}, []int{nx, nw, 20, 10, 10}, ny},
		{"conv and pool", spec.ConvPool{Conv2D: conv, Pool: spec.Pool2D{Planes: 60, H: 19, W: 17, KH: 2, KW: 2, StrideH: 2, StrideW: 2}, Norm: true, Relu: true},
			[]int{nx, nw, 20, 10, 10}, 60 * 9 * 8},
		{"conv gradient to input", spec.ConvGradInput{Conv2D: conv}, []int{ny, nw}, nx},
		{"conv gradient to weight", spec.ConvGradWeight{Conv2D: conv}, []int{nx, ny}, nw},
		{"linear with ReLU", spec.Linear{B: 33, F: 65, O: 129, Bias: true, Relu: true}, []int{33 * 65, 129 * 65, 129}, 33 * 129},
		{"max pool", spec.MaxPool{Pool2D: pool}, []int{np}, 60 * 21 * 20},
		{"max pool gradient", spec.MaxPoolGrad{Pool2D: pool}, []int{60 * 21 * 20, 1}, np},
		{"max pool halves", spec.MaxPool{Pool2D: halves, Relu: true}, []int{np}, 60 * 20 * 20},
		{"max pool halves gradient", spec.MaxPoolGrad{Pool2D: halves}, []int{60 * 20 * 20, 1}, np},
		{"average pool", spec.AvgPool{Pool2D: pool}, []int{np}, 60 * 21 * 20},
		{"average pool gradient", spec.AvgPoolGrad{Pool2D: pool}, []int{60 * 21 * 20}, np},
		{"global pool", spec.PlaneMean{Planes: 60, Size: 41 * 40}, []int{np}, 60},
		{"global pool gradient", spec.PlaneMeanGrad{Planes: 60, Size: 41 * 40}, []int{60}, np},
		{"batch statistics", spec.BatchStats{N: 5, C: 12, Plane: 41 * 40, Momentum: 0.1, Eps: 1e-5}, []int{nb, 12, 12}, 24},
		{"batch statistics of rows", spec.BatchStats{N: 999, C: 70, Plane: 1, Momentum: 0.1, Eps: 1e-5}, []int{nr, 70, 70}, 140},
		{"running statistics", spec.RunningStats{C: 12, Eps: 100}, []int{12, 12}, 24},
		{"batch norm", bn, []int{nb, 24, 12, 12}, nb},
		{"batch norm and pool", spec.NormPool{BatchNorm: bn, Pool: spec.Pool2D{Planes: 60, H: 41, W: 40, KH: 2, KW: 2, StrideH: 2, StrideW: 2}, Relu: true},
			[]int{nb, 24, 12, 12}, 60 * 20 * 20},
		{"batch norm and sum", spec.BatchNormAdd{BatchNorm: bn}, []int{nb, 24, 12, 12, nb}, nb},
		{"batch norm and sum of rows", spec.BatchNormAdd{BatchNorm: rows}, []int{nr, 140, 70, 70, nr}, nr},
		{"batch norm of rows", rows, []int{nr, 140, 70, 70}, nr},
		{"batch norm parameters", spec.BatchNormParamsGrad{BatchNorm: bn}, []int{nb, 24, 12, 12, nb}, 12},
		{"batch norm parameters of rows", spec.BatchNormParamsGrad{BatchNorm: rows}, []int{nr, 140, 70, 70, nr}, 70},
		{"batch norm gradient", spec.BatchNormGrad{BatchNorm: bn}, []int{nb, 24, 12, 12, nb, 12, 12}, nb},
		{"batch norm gradient of rows", spec.BatchNormGrad{BatchNorm: rows, Fixed: true}, []int{nr, 140, 70, 70, nr}, nr},
		{"dropout", spec.Dropout{N: 20001, Rate: 0.5}, []int{20001, 4}, 20001},
	}
}

// inputs32 are the same at each call; a dropout's state is one of whole numbers.
func (c layerCase) inputs32() (mem []device.Memory) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i, n := range c.in {
		if spec.ReadsPlaces(c.spec, i) {
			mem = append(mem, placesIn(c.spec.(spec.MaxPoolGrad).Pool2D))
			continue
		}
		v := make([]float32, n)
		for k := range v {
			v[k] = float32(rng.NormFloat64())
		}
		if _, ok := c.spec.(spec.Dropout); ok && i == 1 {
			copy(v, []float32{5, 6, 7, 8})
		}
		mem = append(mem, device.Memory{F32: v})
	}
	return mem
}

// Results, and what is left in the inputs that an op keeps, are the same to the bit for
// any number of threads.
func TestLayersThreads(t *testing.T) {
	defer loops.SetThreads(0)
	for _, c := range layerCases() {
		var first []device.Memory
		for _, threads := range []int{1, 2, 3} {
			loops.SetThreads(threads)
			k, err := Device.Kernel(c.spec)
			require.NoError(t, err, c.name)
			in := c.inputs32()
			out := outputs(c.spec, c.out, numbers32)
			require.NoError(t, k.Run(out, in), c.name)
			if got := append(in, out...); first == nil {
				first = got
			} else {
				assert.Equal(t, first, got, "%s with %d threads", c.name, threads)
			}
		}
	}
}

// Once it has its memory a kernel allocates nothing.
func TestLayersAllocateNothing(t *testing.T) {
	defer loops.SetThreads(0)
	for _, threads := range []int{1, 2} {
		loops.SetThreads(threads)
		for _, c := range layerCases() {
			k, err := Device.Kernel(c.spec)
			require.NoError(t, err, c.name)
			in, out := c.inputs32(), outputs(c.spec, c.out, numbers32)
			run := func() {
				if err := k.Run(out, in); err != nil {
					t.Fatal(err)
				}
			}
			allocs := 1.
			for i := 0; i < 100 && allocs > 0; i++ { // until each worker has its memory, which on a busy machine may be late
				allocs = testing.AllocsPerRun(5, run)
			}
			assert.Zero(t, allocs, "%s with %d threads", c.name, threads)
		}
	}
}

func BenchmarkLayers(b *testing.B) {
	const n, c, plane = 64, 32, 28 * 28
	bn := spec.BatchNorm{N: n, C: c, Plane: plane, Relu: true}
	pool := spec.Pool2D{Planes: n * c, H: 28, W: 28, KH: 2, KW: 2, StrideH: 2, StrideW: 2}
	all := n * c * plane
	for _, k := range []layerCase{
		{"BatchStats", spec.BatchStats{N: n, C: c, Plane: plane, Momentum: 0.1, Eps: 1e-5}, []int{all, c, c}, 2 * c},
		{"BatchNorm", bn, []int{all, 2 * c, c, c}, all},
		{"BatchNormParamsGrad", spec.BatchNormParamsGrad{BatchNorm: bn}, []int{all, 2 * c, c, c, all}, c},
		{"BatchNormGrad", spec.BatchNormGrad{BatchNorm: bn}, []int{all, 2 * c, c, c, all, c, c}, all},
		{"MaxPool", spec.MaxPool{Pool2D: pool}, []int{all}, all / 4},
		{"MaxPoolGrad", spec.MaxPoolGrad{Pool2D: pool}, []int{all / 4, 1}, all},
		{"AvgPool", spec.AvgPool{Pool2D: pool}, []int{all}, all / 4},
		{"PlaneMean", spec.PlaneMean{Planes: n * c, Size: plane}, []int{all}, n * c},
		{"ChannelSum", spec.ChannelSum{N: n, C: c, Plane: plane}, []int{all}, c},
		{"AddRelu", spec.AddRelu{N: all}, []int{all, all}, all},
		{"Dropout", spec.Dropout{N: all, Rate: 0.5}, []int{all, 4}, all},
	} {
		b.Run(k.name, func(b *testing.B) {
			kern, err := Device.Kernel(k.spec)
			require.NoError(b, err)
			in, out := k.inputs32(), outputs(k.spec, k.out, numbers32)
			require.NoError(b, kern.Run(out, in))
			b.ReportAllocs()
			b.SetBytes(int64(4 * all))
			for b.Loop() {
				if err := kern.Run(out, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
