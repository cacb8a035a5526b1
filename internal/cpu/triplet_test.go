package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// tripletLoop is what Triplets and its gradients mean: a plain loop over all triplets. among holds
// the D_pn: of a batch with itself it is d, and gets its gradient.
func tripletLoop(s spec.Triplets, d, pos, neg, among, up []float64) (sums, grad, gradAmong []float64) {
	m := s.M
	sums, grad, gradAmong = make([]float64, s.N*spec.TripletOutputs), make([]float64, s.N*m), make([]float64, m*m)
	if !s.Among {
		gradAmong = grad
	}
	for a := range s.N {
		for p := range m {
			for k := range m {
				ap, an := d[a*m+p], d[a*m+k]
				if pos[a*m+p] == 0 || neg[a*m+k] == 0 || an-ap <= s.Above || an-ap > s.AtMost {
					continue
				}
				near, toPN := an, 0.0
				if s.Swap && among[p*m+k] <= an {
					near, toPN = among[p*m+k], 1
					if near == an {
						toPN = 0.5
					}
				}
				v := ap - near + s.Margin
				term, slope := max(v, 0), float64(btoi(v > 0))
				if s.Smooth {
					term, slope = math.Log1p(math.Exp(v)), 1/(1+math.Exp(-v))
				}
				sums[spec.TripletChosen*s.N+a]++
				sums[spec.TripletActive*s.N+a] += float64(btoi(v > 0))
				if term <= s.Low || term >= s.High {
					continue
				}
				sums[spec.TripletSum*s.N+a] += term
				sums[spec.TripletCount*s.N+a]++
				g := up[a] * slope
				grad[a*m+p] += g
				grad[a*m+k] -= g * (1 - toPN)
				if toPN > 0 {
					gradAmong[p*m+k] -= g * toPN
				}
			}
		}
	}
	return sums, grad, gradAmong
}

func TestTripletsAgainstTheLoop(t *testing.T) {
	inf := math.Inf(1)
	windows := map[string][2]float64{"all": {-inf, inf}, "hard": {-inf, 0}, "semi-hard": {0, 0.3}, "easy": {0.1, inf}, "none": {0.2, 0.1}}
	bounds := [][2]float64{{-1, inf}, {0, inf}, {0.1, inf}, {-1, 0.4}, {0.05, 0.3}, {0.1, 0.9}}
	rng := rand.New(rand.NewPCG(5, 6))
	for name, w := range windows {
		for _, b := range bounds {
			for form := range 4 {
				s := spec.Triplets{Margin: 0.25, Above: w[0], AtMost: w[1], Low: b[0], High: b[1], Swap: form&1 != 0, Smooth: form&2 != 0}
				t.Run(fmt.Sprintf("%s %v swap %t smooth %t", name, b, s.Swap, s.Smooth), func(t *testing.T) {
					for i := range 8 {
						s.N = 1 + rng.IntN(13)
						s.M = s.N
						if i%2 == 0 {
							s.M = 1 + rng.IntN(13)
						}
						s.Among = s.Swap && (s.M != s.N || i == 1)
						checkTriplets(t, s, rng)
					}
				})
			}
		}
	}
}

// checkTriplets takes distances of few different values, so that many are equal, and
// masks that no labels need have made.
func checkTriplets(t *testing.T, s spec.Triplets, rng *rand.Rand) {
	n, m := s.N, s.M
	d, pos, neg, up := make([]float64, n*m), make([]float64, n*m), make([]float64, n*m), make([]float64, n)
	coarse := rng.IntN(2) == 0
	distance := func() float64 {
		v := rng.Float64()
		if coarse {
			v = math.Round(v*8) / 8
		}
		return v
	}
	for i := range d {
		d[i] = distance()
		switch rng.IntN(3) {
		case 0:
			pos[i] = 1
		case 1:
			neg[i] = 1
		}
	}
	for i := range up {
		up[i] = rng.NormFloat64()
	}
	in, among := [][]float64{d, pos, neg}, d
	if s.Among {
		among = make([]float64, m*m)
		for i := range among {
			among[i] = distance()
		}
		in = append(in, among)
	}
	wantSums, wantGrad, wantAmong := tripletLoop(s, d, pos, neg, among, up)
	sums, grad := make([]float64, len(wantSums)), make([]float64, n*m)
	runKernel(t, s, sums, in...)
	in = append(in, up)
	runKernel(t, spec.TripletsGrad(s), grad, in...)
	require.InDeltaSlice(t, wantSums, sums, 1e-12)
	require.InDeltaSlice(t, wantGrad, grad, 1e-12)
	if s.Among {
		grad = make([]float64, m*m)
		runKernel(t, spec.TripletsAmongGrad(s), grad, in...)
		require.InDeltaSlice(t, wantAmong, grad, 1e-12)
	}
}

// runKernel runs a kernel of outputs that are of one size, and lie in out one behind the other.
func runKernel(t *testing.T, what any, out []float64, in ...[]float64) {
	k, err := Device.Kernel(what)
	require.NoError(t, err)
	args := make([]device.Memory, len(in))
	for i, x := range in {
		args[i] = device.Memory{F64: x}
	}
	n := len(out) / (1 + len(spec.OutputsOf(what))) // all of one size
	var all []device.Memory
	for i := range 1 + len(spec.OutputsOf(what)) {
		all = append(all, device.Memory{F64: out[i*n : (i+1)*n]})
	}
	for range 2 { // the second run finds the scratch of the first
		for i := range out {
			out[i] = math.NaN()
		}
		require.NoError(t, k.Run(all, args))
	}
}

// A NaN among the distances must reach the sum, though no comparison with it holds.
func TestTripletsShowNaN(t *testing.T) {
	for _, bad := range []int{1, 2} {
		for form := range 4 {
			s := spec.Triplets{N: 3, M: 3, Margin: 0.2, Above: math.Inf(-1), AtMost: math.Inf(1), Low: 0, High: math.Inf(1), Swap: form&1 != 0, Smooth: form&2 != 0}
			d := []float64{0, 0.5, 0.4, 0.5, 0, 0.3, 0.4, 0.3, 0}
			d[bad] = math.NaN()
			sums := make([]float64, 3*spec.TripletOutputs)
			runKernel(t, s, sums, d, []float64{0, 1, 0, 0, 0, 0, 0, 0, 0}, []float64{0, 0, 1, 0, 0, 0, 0, 0, 0})
			require.True(t, math.IsNaN(sums[3*spec.TripletSum]), "%+v", s)
		}
	}
}

func TestRowKth(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	x := []float64{3, 1, 2, 1, 5, 5, 0, 9, 4, nan, 6, nan}
	mask := []float64{1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1}
	for k, want := range map[int][]float64{1: {1, 5, -inf}, 2: {1, inf, -inf}, 3: {2, inf, 4}, 4: {inf, inf, inf}} {
		out := make([]float64, 3)
		runKernel(t, spec.RowKth{Rows: 3, Cols: 4, K: k}, out, x, mask)
		require.Equal(t, want, out, "k = %d", k)
	}
}

// The smallest of a row are those that sorting finds, by either way.
func TestRowKthBySorting(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 300 {
		n, k := 1+rng.IntN(200), 1+rng.IntN(2*fewSmallest)
		x, mask, sorted := make([]float64, n), make([]float64, n), []float64{}
		for i := range x {
			x[i] = float64(rng.IntN(20))
			if rng.IntN(50) == 0 {
				x[i] = math.NaN()
			}
			if mask[i] = float64(rng.IntN(4)); mask[i] != 0 {
				sorted = append(sorted, x[i])
			}
		}
		slices.Sort(sorted)
		want := math.Inf(1)
		if len(sorted) > k {
			want = sorted[k-1]
		}
		if want != want {
			want = math.Inf(-1)
		}
		out := make([]float64, 1)
		runKernel(t, spec.RowKth{Rows: 1, Cols: n, K: k}, out, x, mask)
		require.Equal(t, want, out[0])
	}
}

func BenchmarkTriplets(b *testing.B) {
	for _, n := range []int{64, 256, 1024, 2048} {
		for _, of := range []int{4, 32} {
			s := spec.Triplets{N: n, M: n, Margin: 0.2, Above: math.Inf(-1), AtMost: math.Inf(1), Low: 0, High: math.Inf(1)}
			rng := rand.New(rand.NewPCG(1, 1))
			d, pos, neg := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
			for i := range d {
				d[i] = 1 + rng.Float32()
				if r, c := i/n, i%n; r/of != c/of {
					neg[i] = 1
				} else if r != c {
					pos[i] = 1
				}
			}
			up, out, grad := make([]float32, n), outputs(s, n, numbers32), []device.Memory{numbers32(n * n)}
			for i := range up {
				up[i] = 1
			}
			forward, _ := Device.Kernel(s)
			backward, _ := Device.Kernel(spec.TripletsGrad(s))
			b.Run(fmt.Sprintf("N=%d/K=%d", n, of), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					forward.Run(out, []device.Memory{{F32: d}, {F32: pos}, {F32: neg}})
					backward.Run(grad, []device.Memory{{F32: d}, {F32: pos}, {F32: neg}, {F32: up}})
				}
			})
		}
	}
}

// After the first run the kernels own all the memory that they need.
func TestTripletsAllocateNothing(t *testing.T) {
	const n = 64
	rng := rand.New(rand.NewPCG(2, 2))
	d, pos, neg := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range d {
		d[i] = rng.Float32()
		pos[i] = float32(btoi(i/n/4 == i%n/4 && i/n != i%n))
		neg[i] = float32(btoi(i/n/4 != i%n/4))
	}
	grad := []device.Memory{numbers32(n * n)}
	for _, swap := range []bool{false, true} {
		s := spec.Triplets{N: n, M: n, Margin: 0.2, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Swap: swap}
		forward, err := Device.Kernel(s)
		require.NoError(t, err)
		backward, err := Device.Kernel(spec.TripletsGrad(s))
		require.NoError(t, err)
		sums := outputs(s, n, numbers32)
		in, inGrad := []device.Memory{{F32: d}, {F32: pos}, {F32: neg}}, []device.Memory{{F32: d}, {F32: pos}, {F32: neg}, sums[0]}
		require.Zero(t, testing.AllocsPerRun(20, func() {
			forward.Run(sums, in)
			backward.Run(grad, inGrad)
		}), "swap %t", swap)
	}
}
