package gpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/cpu"
	"medusa/internal/cuda"
	"medusa/internal/device"
	"medusa/internal/gpu"
	"medusa/internal/gpu/gputest"
	"medusa/internal/spec"
)

// sim is the device of the tests.
func sim(t testing.TB) *gpu.Device { return simWith(t, gpu.Options{}) }

func simWith(t testing.TB, o gpu.Options) *gpu.Device {
	t.Helper()
	gputest.Prepare(t)
	d, err := gpu.Open(0, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// Whatever fails while a device is opened is told, and nothing stays open.
func TestOpenFails(t *testing.T) {
	fake := gputest.Prepare(t)
	if fake == nil {
		t.Skip("only the fake device fails when it is told to")
	}
	before := fake.Left()
	for _, call := range []string{"cuDevicePrimaryCtxRetain", "cuStreamCreate", "cuModuleLoadDataEx", "cuMemAlloc_v2"} {
		fake.Inject(call, 1, cuda.OutOfMemory)
		_, err := gpu.Open(0, gpu.Options{})
		require.ErrorIs(t, err, cuda.OutOfMemory, call)
		require.Equal(t, before, fake.Left(), call)
	}
}

// random is n numbers of which some are 0, some equal and some large.
func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch rng.IntN(12) {
		case 0:
			x[i] = 0
		case 1:
			x[i] = 0.5
		case 2:
			x[i] = float32(20 * rng.NormFloat64())
		default:
			x[i] = float32(rng.NormFloat64())
		}
	}
	return x
}

func positive(x []float32) []float32 {
	for i, v := range x {
		x[i] = float32(math.Abs(float64(v))) + 0.01
	}
	return x
}

func labels(rng *rand.Rand, n, classes int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.IntN(classes))
	}
	return x
}

func mask(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.IntN(2))
	}
	return x
}

// pair runs specs on the CPU and on the device, over the same numbers.
type pair struct {
	t   testing.TB
	d   *gpu.Device
	rel float64 // tolerance, of the largest result
	top float64 // what counts as the largest result where terms cancel

	rounded int // so many inputs are rounded to TF32 for the CPU
}

// terms is p for a result whose terms, as large as those of x, may cancel.
func (p pair) terms(x ...[]float32) pair {
	for _, x := range x {
		for _, v := range x {
			p.top = max(p.top, math.Abs(float64(v)))
		}
	}
	return p
}

// run is what both compute of a spec as its first output.
func (p pair) run(which any, outs int, in ...[]float32) []float32 {
	p.t.Helper()
	return p.runAll(which, outs, in...)[0]
}

// runAll is what both compute of a spec, the first output of outs numbers; places are in it, and in the inputs, as the
// bits of numbers. Inputs that a kernel writes are compared, too.
func (p pair) runAll(which any, outs int, in ...[]float32) [][]float32 {
	p.t.Helper()
	what := spec.Describe(which)
	host, err := cpu.Device.Kernel(which)
	require.NoError(p.t, err, what)
	kern, err := p.d.Kernel(which)
	require.NoError(p.t, err, what)
	var hostIn, remoteIn []device.Memory
	for i, x := range in {
		r := p.upload(x)
		remoteIn = append(remoteIn, device.Memory{Remote: r, On: p.d})
		host := append([]float32(nil), x...)
		if len(hostIn) < p.rounded {
			for i, v := range host {
				host[i] = toTF32(v)
			}
		}
		hostIn = append(hostIn, hostMemory(host, spec.ReadsPlaces(which, i)))
	}
	var want, got [][]float32
	var hostOut, remoteOut []device.Memory
	further := spec.OutputsOf(which)
	for i := range 1 + len(further) {
		n, places := outs, false
		if i > 0 {
			n, places = size(further[i-1].Shape), further[i-1].Places
		}
		want, got = append(want, make([]float32, n)), append(got, make([]float32, n))
		mem, err := p.d.Alloc(n)
		require.NoError(p.t, err)
		hostOut = append(hostOut, hostMemory(want[i], places))
		remoteOut = append(remoteOut, device.Memory{Remote: mem, On: p.d})
	}
	if p.rounded > 0 && len(further) > 0 { // what stands beside a product is not rounded
		var exact []device.Memory
		for i, x := range in {
			exact = append(exact, hostMemory(x, spec.ReadsPlaces(which, i)))
		}
		require.NoError(p.t, host.Run(hostOut, exact), what)
		product := append(hostOut[:1:1], make([]device.Memory, len(further))...)
		require.NoError(p.t, host.Run(product, hostIn), what)
	} else {
		require.NoError(p.t, host.Run(hostOut, hostIn), what)
	}
	runs := [][]device.Memory{remoteOut, remoteOut} // again, into what the first run left
	if len(further) > 0 {
		alone := append(remoteOut[:1:1], make([]device.Memory, len(further))...) // nobody reads the others
		runs = append(runs, alone)
	}
	for _, to := range runs {
		for i, x := range in {
			require.NoError(p.t, p.d.Upload(remoteIn[i].Remote, x))
		}
		require.NoError(p.t, kern.Run(to, remoteIn), what)
		require.NoError(p.t, p.d.Check(), what)
		for i, m := range to {
			if m.Remote == nil {
				continue
			}
			require.NoError(p.t, p.d.Download(got[i], m.Remote))
			if hostOut[i].I32 != nil {
				require.Equal(p.t, hostOut[i].I32, placesOf(got[i]), what)
				continue
			}
			p.equal(what, want[i], got[i])
		}
	}
	for i := range in {
		after := make([]float32, len(in[i]))
		require.NoError(p.t, p.d.Download(after, remoteIn[i].Remote))
		switch {
		case hostIn[i].I32 != nil:
			require.Equal(p.t, hostIn[i].I32, placesOf(after), what)
			continue
		case i < p.rounded:
			hostIn[i].F32 = in[i]
		}
		p.equal(what+": input after the run", hostIn[i].F32, after)
	}
	return want
}

// hostMemory is numbers, or the places that their bits are.
func hostMemory(x []float32, places bool) device.Memory {
	if places {
		return device.Memory{I32: placesOf(x)}
	}
	return device.Memory{F32: x}
}

func placesOf(x []float32) []int32 { return unsafe.Slice((*int32)(unsafe.Pointer(&x[0])), len(x)) }

// toTF32 rounds to the nearest number with 10 bits after the point.
func toTF32(v float32) float32 {
	return math.Float32frombits((math.Float32bits(v) + 1<<12) &^ (1<<13 - 1))
}

func (p pair) upload(x []float32) device.Remote {
	r, err := p.d.Alloc(len(x))
	require.NoError(p.t, err)
	require.NoError(p.t, p.d.Upload(r, x))
	return r
}

func (p pair) equal(what string, want, got []float32) {
	p.t.Helper()
	top := max(p.top, 1e-30)
	for _, v := range want {
		if a := math.Abs(float64(v)); a > top && !math.IsInf(a, 0) {
			top = a
		}
	}
	for i, w := range want {
		g := float64(got[i])
		switch w := float64(w); {
		case w != w && g != g, w == g:
		case math.Abs(w-g) <= p.rel*top:
		default:
			require.FailNow(p.t, what, "element %d of %d: cpu %v, device %v", i, len(want), w, g)
		}
	}
}

func TestPointwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	p := pair{t: t, d: sim(t), rel: 3e-7}
	for _, f := range []spec.Func{spec.Affine, spec.Relu, spec.Hinge, spec.Square, spec.Sqrt, spec.Exp, spec.Log,
		spec.Softplus, spec.Sigmoid, spec.Abs, spec.Clamp, spec.Step, spec.Equal, spec.Tanh, spec.Power, spec.Acos, spec.Cos,
		spec.Gelu, spec.GeluTanh, spec.Swish, spec.HardSwish} {
		for _, n := range []int{1, 33, 1000} {
			x := random(rng, n)
			if f == spec.Exp {
				for i := range x {
					x[i] /= 8
				}
			}
			s := spec.Unary{F: f, A: 0.5, B: 0.75, N: n}
			y := p.run(s, n, x)
			var in [][]float32
			needX, needY := f.Needs()
			if needX {
				in = append(in, x)
			}
			if needY {
				in = append(in, y)
			}
			p.run(spec.UnaryGrad(s), n, append(in, random(rng, n))...)
		}
	}
	special := []float32{0, float32(math.Copysign(0, -1)), 1e-42, -1e-42, 3e38, -3e38, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 88.7, -103, 1, -1}
	for _, f := range []spec.Func{spec.Affine, spec.Relu, spec.Sqrt, spec.Exp, spec.Log, spec.Softplus, spec.Sigmoid, spec.Abs, spec.Clamp, spec.Tanh, spec.Power, spec.Acos, spec.Cos, spec.Gelu, spec.GeluTanh, spec.Swish, spec.HardSwish} {
		for _, v := range special { // one by one: a tolerance by the largest result would hide all others
			if f == spec.Cos && math.Abs(float64(v)) > 1e9 {
				continue // where the device's π has too few digits
			}
			p.run(spec.Unary{F: f, A: 1, B: 2, N: 1}, 1, []float32{v})
		}
	}
	for _, op := range []spec.Operator{spec.Add, spec.Sub, spec.Mul, spec.Div, spec.Max, spec.Min, spec.Greater, spec.GreaterEqual, spec.Same} {
		for _, s := range [][2][]int{{{7}, {7}}, {{1}, {1}}, {{3, 5}, {3, 1}}, {{3, 1}, {3, 5}}, {{1, 5}, {3, 1}}, {{2, 3, 4, 5}, {2, 1, 4, 1}}, {{40, 30}, {1, 30}}} {
			a, b := random(rng, size(s[0])), random(rng, size(s[1]))
			n := 1
			for i := range s[0] {
				n *= max(s[0][i], s[1][i])
			}
			p.run(spec.Binary{Op: op, A: s[0], B: s[1]}, n, a, b)
		}
	}
	n := 77
	p.run(spec.AddRelu{N: n}, n, random(rng, n), random(rng, n))
	p.run(spec.Where{Rows: 1, Cols: n, Other: 3.5}, n, random(rng, n), mask(rng, n))
	p.run(spec.Constant{N: n, Value: 2.5}, n, random(rng, 1))
	p.run(spec.Iota{N: n}, n, random(rng, 1))
	p.run(spec.Copy{N: n}, n, random(rng, n))
	eye := []float32{2, 0, 0, 4}
	p.run(spec.SymmetricInverse{N: 2}, 4, eye, []float32{0.5, 0, 0, 0.25})
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func TestShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := pair{t: t, d: sim(t), rel: 1e-6}
	for _, s := range [][2][]int{{{7}, {1}}, {{7}, {}}, {{3, 5}, {3, 1}}, {{3, 5}, {1, 5}}, {{3, 5}, {}}, {{2, 3, 4}, {1, 3, 1}}, {{2, 3, 4, 5}, {2, 1, 4, 1}}, {{300, 7}, {1, 7}}, {{6, 600}, {6, 1}}, {{70, 71}, {}}, {{2, 3000, 3}, {2, 1, 3}}, {{4, 5}, {4, 5}}} {
		p.run(spec.SumTo{From: s[0], To: s[1]}, size(s[1]), random(rng, size(s[0])))
		p.run(spec.Broadcast{From: s[1], To: s[0]}, size(s[0]), random(rng, size(s[1])))
	}
	for _, s := range [][2]int{{1, 1}, {3, 5}, {33, 65}, {100, 31}} {
		r, c := s[0], s[1]
		p.run(spec.Transpose{Rows: r, Cols: c}, r*c, random(rng, r*c))
		sl := spec.Slice{Rows: r, Width: c, From: c / 3, To: c}
		p.run(sl, r*(c-c/3), random(rng, r*c))
		p.run(spec.SliceGrad(sl), r*c, random(rng, r*(c-c/3)))
		p.run(spec.Concat{Rows: r, Widths: []int{c, 2, 1}}, r*(c+3), random(rng, r*c), random(rng, 2*r), random(rng, r))
		g := spec.Gather{Rows: r, Cols: c, N: 9}
		index := labels(rng, 9, r)
		p.run(g, 9*c, random(rng, r*c), index)
		p.run(spec.GatherGrad(g), r*c, index, random(rng, 9*c))
	}
}

func TestProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	d := sim(t)
	p := pair{t: t, d: d, rel: 2e-6}
	check := func() {
		for _, s := range [][3]int{{1, 1, 1}, {5, 7, 3}, {65, 64, 17}, {70, 130, 40}} {
			m, n, k := s[0], s[1], s[2]
			for i := range 4 {
				p.run(spec.MatMul{TransA: i&1 > 0, TransB: i&2 > 0, M: m, N: n, K: k}, m*n, random(rng, m*k), random(rng, k*n))
				p.run(spec.Linear{B: m, F: k, O: n, Bias: i&1 > 0, Relu: i&2 > 0}, m*n, random(rng, m*k), random(rng, n*k), random(rng, n))
			}
		}
	}
	check()
	gpu.WithoutBLAS(d)
	check()
}

// convolutions are some that have every option, and so many of random shapes.
func convolutions(rng *rand.Rand, shapes int, body func(c spec.Conv2D)) {
	for _, c := range []spec.Conv2D{
		{N: 1, C: 1, H: 1, W: 1, OutC: 1, KH: 1, KW: 1},
		{N: 2, C: 3, H: 7, W: 9, OutC: 5, KH: 3, KW: 3, PadH: 1, PadW: 1},
		{N: 3, C: 4, H: 8, W: 8, OutC: 6, KH: 3, KW: 3, PadH: 1, PadW: 1, StrideH: 2, StrideW: 2},
		{N: 2, C: 4, H: 9, W: 11, OutC: 6, KH: 3, KW: 2, DilH: 2, DilW: 3, PadW: 2, Groups: 2},
		{N: 2, C: 3, H: 20, W: 20, OutC: 70, KH: 7, KW: 7, PadH: 3, PadW: 3, StrideH: 2, StrideW: 2},
		{N: 2, C: 8, H: 6, W: 6, OutC: 16, KH: 1, KW: 1, StrideH: 2, StrideW: 2},
	} {
		body(c)
	}
	for range shapes {
		groups := 1 + rng.IntN(2)
		c := spec.Conv2D{N: 1 + rng.IntN(3), C: groups * (1 + rng.IntN(4)), H: 1 + rng.IntN(12), W: 1 + rng.IntN(12), OutC: groups * (1 + rng.IntN(5)),
			KH: 1 + rng.IntN(3), KW: 1 + rng.IntN(3), PadH: rng.IntN(3), PadW: rng.IntN(3), StrideH: 1 + rng.IntN(3), StrideW: 1 + rng.IntN(3),
			DilH: 1 + rng.IntN(2), DilW: 1 + rng.IntN(2), Groups: groups}
		if c.H+2*c.PadH > c.DilH*(c.KH-1) && c.W+2*c.PadW > c.DilW*(c.KW-1) {
			body(c)
		}
	}
}

func TestConvolutions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	p := pair{t: t, d: sim(t), rel: 4e-6} // the CPU's Winograd
	checkConvolutions(p, rng, 12)
	gpu.WithoutDNN(p.d)
	checkConvolutions(p, rng, 12)
}

func checkConvolutions(p pair, rng *rand.Rand, shapes int) {
	convolutions(rng, shapes, func(c spec.Conv2D) {
		q := c.WithDefaults()
		nx, nw, ny := c.N*c.C*c.H*c.W, c.OutC*c.C/q.Groups*c.KH*c.KW, c.N*c.OutC*c.OutH()*c.OutW()
		x, w, bias, dy := random(rng, nx), random(rng, nw), random(rng, c.OutC), random(rng, ny)
		p.run(spec.Conv{Conv2D: c, Bias: true, Relu: true}, ny, x, w, bias)
		p.run(spec.Conv{Conv2D: c}, ny, x, w)
		stats := append(random(rng, c.OutC), positive(random(rng, c.OutC))...)
		p.run(spec.ConvNorm{Conv2D: c, Relu: true}, ny, x, w, stats, random(rng, c.OutC), random(rng, c.OutC))
		p.run(spec.ConvGradInput{Conv2D: c}, nx, dy, w)
		p.run(spec.ConvGradWeight{Conv2D: c}, nw, x, dy)
		if c.OutH() > 1 && c.OutW() > 1 {
			pool := spec.Pool2D{Planes: c.N * c.OutC, H: c.OutH(), W: c.OutW(), KH: 2, KW: 2, StrideH: 2, StrideW: 2}
			np := pool.Planes * pool.OutH() * pool.OutW()
			places := p.runAll(spec.ConvPool{Conv2D: c, Pool: pool, Bias: true, Relu: true}, np, x, w, bias)[1]
			p.run(spec.MaxPoolGrad{Pool2D: pool}, ny, random(rng, np), places)
			p.run(spec.ConvPool{Conv2D: c, Pool: pool, Norm: true}, np, x, w, stats, random(rng, c.OutC), random(rng, c.OutC))
		}
	})
}

func TestNorms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	for _, s := range [][3]int{{2, 1, 1}, {4, 3, 5}, {7, 10, 1}, {3, 4, 49}, {2, 3, 36}, {9, 2, 1100}} {
		for _, relu := range []bool{false, true} {
			b := spec.BatchNorm{N: s[0], C: s[1], Plane: s[2], Relu: relu}
			if n := b.N * b.Plane; n > 4000 {
				require.Greater(t, gpu.Parts(b.C, n), 1)
			}
			n, c := b.N*b.C*b.Plane, b.C
			x, gamma, beta, dy := random(rng, n), random(rng, c), random(rng, c), random(rng, n)
			stats := p.run(spec.BatchStats{N: b.N, C: c, Plane: b.Plane, Momentum: 0.1, Eps: 1e-5}, 2*c, x, random(rng, c), positive(random(rng, c)))
			p.run(spec.RunningStats{C: c, Eps: 1e-5}, 2*c, random(rng, c), positive(random(rng, c)))
			p.run(b, n, x, stats, gamma, beta)
			p.run(spec.BatchNormAdd{BatchNorm: b}, n, x, stats, gamma, beta, random(rng, n))
			grads := p.runAll(spec.BatchNormParamsGrad{BatchNorm: b}, c, x, stats, gamma, beta, dy)
			p.terms(dy).run(spec.BatchNormGrad{BatchNorm: b}, n, x, stats, gamma, beta, dy, grads[0], grads[1])
			p.run(spec.BatchNormGrad{BatchNorm: b, Fixed: true}, n, x, stats, gamma, beta, dy)
			p.run(spec.ChannelSum{N: b.N, C: c, Plane: b.Plane}, c, x)
			if b.Plane == 36 {
				pool := spec.Pool2D{Planes: b.N * c, H: 6, W: 6, KH: 3, KW: 2, StrideH: 2, StrideW: 1, PadH: 1}
				q := b
				q.Relu = false
				np := pool.Planes * pool.OutH() * pool.OutW()
				places := p.runAll(spec.NormPool{BatchNorm: q, Pool: pool, Relu: relu}, np, x, stats, gamma, beta)[1]
				p.run(spec.MaxPoolGrad{Pool2D: pool}, n, random(rng, np), places)
			}
		}
	}
}

func TestPooling(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	p := pair{t: t, d: sim(t), rel: 1e-6}
	for range 20 {
		k := 1 + rng.IntN(3)
		pool := spec.Pool2D{Planes: 1 + rng.IntN(5), H: 3 + rng.IntN(9), W: 3 + rng.IntN(9), KH: k, KW: 1 + rng.IntN(3), StrideH: 1 + rng.IntN(3), StrideW: 1 + rng.IntN(3),
			PadH: rng.IntN(k/2 + 1), Ceil: rng.IntN(2) == 0, ExcludePad: rng.IntN(2) == 0}
		nx, ny := pool.Planes*pool.H*pool.W, pool.Planes*pool.OutH()*pool.OutW()
		x, dy := random(rng, nx), random(rng, ny)
		places := p.runAll(spec.MaxPool{Pool2D: pool, Relu: rng.IntN(2) == 0}, ny, x)[1]
		p.run(spec.MaxPoolGrad{Pool2D: pool}, nx, dy, places)
		p.run(spec.AvgPool{Pool2D: pool}, ny, x)
		p.run(spec.AvgPoolGrad{Pool2D: pool}, nx, dy)
		m := spec.PlaneMean{Planes: pool.Planes, Size: pool.H * pool.W}
		p.run(m, pool.Planes, x)
		p.run(spec.PlaneMeanGrad(m), nx, random(rng, pool.Planes))
	}
}

func TestRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	p := pair{t: t, d: sim(t), rel: 1e-6}
	for _, s := range [][2]int{{1, 1}, {3, 5}, {17, 64}, {4, 300}} {
		r, c := s[0], s[1]
		x, dy := random(rng, r*c), random(rng, r*c)
		for _, k := range []float64{1, 2, 3, 1.5, math.Inf(1)} {
			n := spec.Normalize{Rows: r, Cols: c, P: k, Eps: 1e-12}
			y := p.run(n, r*c, x)
			p.run(spec.NormalizeGrad(n), r*c, x, y, dy)
		}
		l := spec.LogSoftmax{Rows: r, Cols: c}
		y := p.run(l, r*c, x)
		p.run(spec.LogSoftmaxGrad(l), r*c, y, dy)
		for _, smoothing := range []float64{0, 0.1, 1} {
			ce := spec.CrossEntropy{Rows: r, Classes: c, Smoothing: smoothing}
			y := labels(rng, r, c)
			p.run(ce, r, x, y)
			p.run(spec.CrossEntropyGrad(ce), r*c, x, y, random(rng, r))
		}
	}
}

func TestPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	metrics := []spec.Metric{spec.Euclidean, spec.SquaredEuclidean, spec.Manhattan, spec.Dot, spec.Minkowski, spec.SNR}
	for _, s := range [][4]int{{2, 3, 1, 132}, {9, 5, 4, 132}, {66, 70, 33, 132}, {66, 70, 33, 1}} { // and multiprocessors
		n, m, d := s[0], s[1], s[2]
		gpu.SetProcessors(p.d, s[3])
		metrics := metrics
		if d == 1 {
			metrics = metrics[:5] // the variance of one number
		}
		if s[3] == 1 {
			metrics = metrics[:1] // of one size of tiles, too
		}
		x, y := random(rng, n*d), random(rng, m*d)
		copy(x[d:2*d], x[:d]) // equal rows
		for _, metric := range metrics {
			cross := spec.Distance{Metric: metric, N: n, M: m, D: d, P: 3}
			dist := p.run(cross, n*m, x, y)
			matrix := []spec.Part{{Kind: spec.MatrixPart}}
			g := random(rng, n*m)
			p.run(spec.PairGrad{Distance: cross, Parts: matrix}, n*d, x, y, dist, g)
			p.run(spec.PairGrad{Distance: cross, ToY: true, Parts: matrix}, m*d, x, y, dist, g)
			p.pairGrad(rng, cross, x, y, dist)
			self := spec.Distance{Metric: metric, N: n, M: n, D: d, P: 3, Self: true}
			dist = p.run(self, n*n, x)
			p.run(spec.PairGrad{Distance: self, Parts: matrix}, n*d, x, dist, random(rng, n*n))
			p.pairGrad(rng, self, x, x, dist)
		}
	}
}

// masks are masks (n, m) of every kind, with their inputs.
func masks(rng *rand.Rand, n, m int) (all []spec.Mask, inputs [][][]float32) {
	add := func(k spec.Mask, in ...[]float32) { all, inputs = append(all, k), append(inputs, in) }
	within := spec.Filter{Kind: spec.Within}
	bounds := func() [][]float32 {
		d, above, atMost := random(rng, n*m), random(rng, n), random(rng, n)
		d[rng.IntN(n*m)] = float32(math.NaN())
		above[rng.IntN(n)], atMost[rng.IntN(n)] = float32(math.Inf(-1)), float32(math.Inf(1))
		above[rng.IntN(n)], atMost[rng.IntN(n)] = float32(math.NaN()), d[0]
		return [][]float32{d, above, atMost}
	}
	listed := spec.Filter{Kind: spec.Listed, K: 3}
	index := func() []float32 {
		x := labels(rng, 3*n, m+1)
		for i := range x {
			x[i]--
		}
		return x
	}
	for _, p := range []spec.Pairs{spec.Given, spec.Positive, spec.Negative} {
		for _, cross := range []bool{true, false} {
			var base []float32
			switch {
			case p == spec.Given && cross, !cross && n != m:
				continue
			case p == spec.Given:
				base = mask(rng, n*m)
			case cross:
				base = labels(rng, n+m, max(n/3, 2))
			default:
				base = labels(rng, n, max(n/3, 2))
			}
			add(spec.Mask{Pairs: p, Cross: cross}, base)
			add(spec.Mask{Pairs: p, Cross: cross, Filters: []spec.Filter{within}}, append([][]float32{base}, bounds()...)...)
			add(spec.Mask{Pairs: p, Cross: cross, Filters: []spec.Filter{listed}}, base, index())
			both := append(append([][]float32{base}, bounds()...), index())
			add(spec.Mask{Pairs: p, Cross: cross, Filters: []spec.Filter{within, listed}}, both...)
		}
	}
	return all, inputs
}

// pairGrad is a gradient of every kind of part.
func (p pair) pairGrad(rng *rand.Rand, d spec.Distance, x, y, dist []float32) {
	n, m := d.N, d.M
	what := spec.PairGrad{Distance: d}
	in := [][]float32{x, y, dist}
	if d.Self {
		in = [][]float32{x, dist}
	}
	all, inputs := masks(rng, n, m)
	if n != 9 || d.Metric != spec.Euclidean { // one of the kinds, not all
		one := rng.IntN(len(all))
		all, inputs = all[one:one+1], inputs[one:one+1]
	}
	for i, k := range all {
		terms := spec.RowTermsGrad{Rows: n, Cols: m, Low: math.NaN(), High: math.NaN(), Mask: k, Hinge: true, K: -1, C: 1.3}
		what.Parts = append(what.Parts, spec.Part{Kind: spec.TermsPart, Terms: terms})
		in = append(append(in, inputs[i]...), random(rng, n))
		terms.Square, terms.Shift = true, 0.5
		what.Parts = append(what.Parts, spec.Part{Kind: spec.TermsPart, Terms: terms})
		in = append(append(in, inputs[i]...), []float32{0.2}, random(rng, n))
		op := []spec.Reduction{spec.RowMax, spec.RowMin, spec.RowLogSumExp}[i%3]
		reduce := spec.RowReduce{Op: op, Rows: n, Cols: m, K: 1, Mask: k}
		if op == spec.RowLogSumExp {
			reduce.K = -0.7
		}
		res := p.runAll(reduce, n, append([][]float32{dist}, inputs[i]...)...)
		what.Parts = append(what.Parts, spec.Part{Kind: spec.ReducePart, Reduce: spec.RowReduceGrad(reduce)})
		in = append(append(append(in, inputs[i]...), res[1:]...), random(rng, n))
		neg := (i + 1) % len(all)
		triplets := spec.Triplets{N: n, M: m, Margin: 0.25, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Smooth: i%2 == 0, Pos: k, Neg: all[neg]}
		what.Parts = append(what.Parts, spec.Part{Kind: spec.TripletsPart, Triplets: spec.TripletsGrad(triplets)})
		up := random(rng, n)
		for i := range up {
			up[i] /= 30
		}
		in = append(append(append(in, inputs[i]...), inputs[neg]...), up)
	}
	what.Parts = append(what.Parts, spec.Part{Kind: spec.MatrixPart})
	in = append(in, random(rng, n*m))
	p.run(what, n*d.D, in...)
	if what.ToY = !d.Self; what.ToY {
		p.run(what, m*d.D, in...)
	}
}

func TestRowReductions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	p := pair{t: t, d: sim(t), rel: 2e-6}
	sizes := [][2]int{{1, 1}, {2, 5}, {19, 19}, {5, 260}} // a row may be longer than a block
	if os.Getenv("MEDUSA_LONG") != "" {
		sizes = append(sizes, [2]int{260, 260})
	} else {
		t.Log("small ones; MEDUSA_LONG=1 go test ./internal/gpu -run RowReductions has a large one too")
	}
	for _, s := range sizes {
		n, m := s[0], s[1]
		all, inputs := masks(rng, n, m)
		for i, k := range all {
			if len(k.Filters) == 0 && !(k.Cross && n == 260) {
				p.rowReductions(rng, n, m, k, inputs[i])
			} else if m < 20 {
				p.chosenMask(rng, n, m, k, inputs[i])
			}
		}
	}
}

// chosenMask is what makes a mask of others, and what reads it.
func (p pair) chosenMask(rng *rand.Rand, n, m int, k spec.Mask, in [][]float32) {
	p.run(spec.PairMask{Rows: n, Cols: m, Mask: k}, n*m, in...)
	p.run(spec.RowCount{Rows: n, Cols: m, Mask: k}, n, in...)
	in = append([][]float32{random(rng, n*m)}, in...)
	p.run(spec.Where{Rows: n, Cols: m, Mask: k, Other: 0.5}, n*m, in...)
	p.run(spec.RowKth{Rows: n, Cols: m, K: 2, Mask: k}, n, in...)
	terms := spec.RowTerms{Rows: n, Cols: m, Low: -1, High: 1, Mask: k}
	p.run(terms, n, in...)
	p.run(spec.RowTermsGrad(terms), n*m, append(in, random(rng, n))...)
}

// rowReductions are all that read a mask row by row.
func (p pair) rowReductions(rng *rand.Rand, n, m int, k spec.Mask, in [][]float32) {
	x := random(rng, n*m)
	with := func(after ...[]float32) [][]float32 { return append(append([][]float32{x}, in...), after...) }
	p.run(spec.PairMask{Rows: n, Cols: m, Mask: k}, n*m, in...)
	p.run(spec.RowCount{Rows: n, Cols: m, Mask: k}, n, in...)
	p.run(spec.Where{Rows: n, Cols: m, Mask: k, Other: 0.5}, n*m, with()...)
	for _, op := range []spec.Reduction{spec.RowMax, spec.RowMin, spec.RowLogSumExp} {
		s := spec.RowReduce{Op: op, Rows: n, Cols: m, K: 1, Empty: 0.25, Mask: k}
		if op == spec.RowLogSumExp {
			s.K = 1.7
		}
		for _, odd := range []float32{0, float32(math.Inf(1)), float32(math.Inf(-1))} {
			if odd != 0 {
				x[rng.IntN(len(x))] = odd
			}
			y := p.runAll(s, n, with()...)
			p.run(spec.RowReduceGrad(s), n*m, with(append(y[1:], random(rng, n))...)...)
		}
		x = random(rng, n*m)
	}
	for _, hinge := range []bool{false, true} {
		for _, bound := range []float64{0.3, math.NaN()} {
			s := spec.RowTerms{Rows: n, Cols: m, Low: bound, High: 3 * bound, Mask: k, Hinge: hinge, K: -1.5, C: 0.5}
			p.run(s, n, with()...)
			p.run(spec.RowTermsGrad(s), n*m, with(random(rng, n))...)
			if s.Square = hinge; !hinge {
				continue
			}
			p.run(s, n, with()...)
			p.run(spec.RowTermsGrad(s), n*m, with(random(rng, n))...)
			s.Shift = -0.5
			p.run(s, n, with([]float32{0.3})...)
			p.run(spec.RowTermsGrad(s), n*m, with([]float32{0.3}, random(rng, n))...)
			s.Square = false
			p.run(s, n, with([]float32{0.3})...)
			p.run(spec.RowTermsGrad(s), n*m, with([]float32{0.3}, random(rng, n))...)
		}
	}
	x[rng.IntN(len(x))] = float32(math.NaN())
	for _, kth := range []int{1, 3} {
		p.run(spec.RowKth{Rows: n, Cols: m, K: kth, Mask: k}, n, with()...)
	}
}

// Rows that several indices name, in their order and in any.
func TestGatherGrad(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 12))
	for _, o := range []gpu.Options{{}, {AnyOrder: true}} {
		p := pair{t: t, d: simWith(t, o), rel: 3e-6}
		for _, n := range []int{1, 40, 2500} {
			const rows, cols = 7, 5
			index, dy := labels(rng, n, rows), random(rng, n*cols)
			g := spec.Gather{Rows: rows, Cols: cols, N: n}
			p.terms(dy).run(spec.GatherGrad(g), rows*cols, index, dy)
			if n <= 40 { // a block an index
				p.run(spec.GatherRows{Rows: rows, N: n}, n, index)
				p.terms(dy).run(spec.GatherRowsGrad(g), n*cols, index, dy)
			}
		}
	}
}

func TestTriplets(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 10))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	distances := func(n int) []float32 {
		d := positive(random(rng, n))
		for i := range d { // an edge is decided alike by both if differences are exact
			d[i] = float32(math.Round(float64(d[i])*64) / 64)
		}
		return d
	}
	check := func(s spec.Triplets, in ...[]float32) {
		p.run(s, s.N, in...)
		up := random(rng, s.N)
		up[0] = 0
		in = append(in, up)
		p.terms(up).run(spec.TripletsGrad(s), s.N*s.M, in...)
		if s.Among {
			p.terms(up).run(spec.TripletsAmongGrad(s), s.M*s.M, in...)
		}
	}
	both := func(pairs spec.Pairs) spec.Mask { return spec.Mask{Pairs: pairs} }
	all := spec.Triplets{Margin: 0.25, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Pos: both(spec.Positive), Neg: both(spec.Negative)}
	for _, size := range [][2]int{{3, 3}, {12, 12}, {40, 40}, {9, 30}} {
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for _, s := range []spec.Triplets{
			all,
			{Margin: 0.25, Above: 0, AtMost: 0.25, High: math.Inf(1)},
			{Margin: 0.5, Above: math.Inf(-1), AtMost: math.Inf(1), Low: -1, High: 1},
			{Margin: 0.5, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Swap: true},
			{Margin: 0.5, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Smooth: true},
		} {
			s.N, s.M = n, m
			for range 3 {
				i, k := rng.IntN(len(kinds)), rng.IntN(len(kinds))
				s.Pos, s.Neg = kinds[i], kinds[k]
				in := append(append([][]float32{distances(n * m)}, inputs[i]...), inputs[k]...)
				if s.Among = s.Swap && (n != m || rng.IntN(2) == 0); s.Among {
					in = append(in, distances(m*m))
				}
				check(s, in...)
			}
		}
	}
	// Several positives a thread.
	s := all
	s.N, s.M, s.AtMost, s.Above, s.Low, s.High = 300, 300, 0.5, -0.25, 0.125, 0.5
	check(s, distances(s.N*s.N), labels(rng, s.N, 2), labels(rng, s.N, 2))

	// A distance that is no number tells.
	s = all
	s.N, s.M = 12, 12
	for _, y := range [][]float32{{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}} {
		d := distances(s.N * s.N)
		d[1] = float32(math.NaN())
		p.run(s, s.N, d, y, y)
	}
}

// More candidates than fit into shared memory at once.
func TestTripletsByChunks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 11))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	const n, m = 40, 2080 // the chunks are of columns
	d := positive(random(rng, n*m))
	for i := range d {
		d[i] = float32(math.Round(float64(d[i])*64) / 64)
	}
	y := labels(rng, n+m, m/30)
	s := spec.Triplets{N: n, M: m, Margin: 0.25, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Pos: spec.Mask{Pairs: spec.Positive, Cross: true}, Neg: spec.Mask{Pairs: spec.Negative, Cross: true}}
	p.run(s, n, d, y, y)
	up := random(rng, n)
	p.terms(up).run(spec.TripletsGrad(s), n*m, d, y, y, up)
}

// Numbers of columns that are none are complained of.
func TestRefusedPlaces(t *testing.T) {
	d := sim(t)
	p := pair{t: t, d: d, rel: 0}
	s := spec.Places{N: 3, Cols: 4}
	p.run(s, 3, []float32{-1, 0, 3})
	k, err := d.Kernel(s)
	require.NoError(t, err)
	out, err := d.Alloc(3)
	require.NoError(t, err)
	for _, bad := range []float32{4, -2, 1.5, float32(math.NaN())} {
		require.NoError(t, k.Run([]device.Memory{{Remote: out}}, []device.Memory{{Remote: p.upload([]float32{0, bad, 1})}}))
		require.EqualError(t, d.Check(), "gpu: column at position 1, want one of 0 … 3, or -1 for none", fmt.Sprint(bad))
	}
}

func TestRefusedLabels(t *testing.T) {
	d := sim(t)
	p := pair{t: t, d: d, rel: 0}
	k, err := d.Kernel(spec.CrossEntropy{Rows: 2, Classes: 3})
	require.NoError(t, err)
	out, err := d.Alloc(2)
	require.NoError(t, err)
	for _, bad := range []float32{3, -1, 1.5, float32(math.NaN())} {
		in := []device.Memory{{Remote: p.upload(make([]float32, 6))}, {Remote: p.upload([]float32{1, bad})}}
		require.NoError(t, k.Run([]device.Memory{{Remote: out}}, in))
		require.EqualError(t, d.Check(), "gpu: label at position 1, want a whole number from 0 to 2", fmt.Sprint(bad))
		require.NoError(t, d.Check(), "told once")
	}
}

// The mask is the CPU's to the bit, run after run.
func TestDropout(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 11))
	p := pair{t: t, d: sim(t)}
	for _, n := range []int{1, 2, 17, 4096, 4097, 9001} {
		x := random(rng, n)
		s := spec.Dropout{N: n, Rate: 0.3}
		for _, state := range [][]float32{{5, 0, 0, 0}, {123456, 77, spec.DropoutBase - 1, 3}} {
			p.run(s, n, x, state)
		}
	}
}

// Kernels divide by a product: at the edges of what a quotient changes at, for all sizes.
func TestDivisors(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 13))
	for range 200000 {
		d := 1 + int(rng.Int32N(1<<uint(rng.IntN(31)+1)-1))
		n := int(rng.Int32N(math.MaxInt32))
		for _, n := range []int{n, n / d * d, max(n/d*d-1, 0), math.MaxInt32, math.MaxInt32 / d * d, 0} {
			require.Equal(t, n/d, gpu.Over(n, d), "%d / %d", n, d)
		}
	}
}

// The libraries can be left alone.
func TestLibrariesOff(t *testing.T) {
	gputest.Prepare(t)
	t.Setenv("MEDUSA_CUDA_LIBRARIES", "no")
	_, err := gpu.Open(0, gpu.Options{})
	require.ErrorContains(t, err, `MEDUSA_CUDA_LIBRARIES is "no", want off or nothing`)
	t.Setenv("MEDUSA_CUDA_LIBRARIES", "off")
	d, err := gpu.Open(0, gpu.Options{})
	require.NoError(t, err)
	defer d.Close()
	k, err := d.Kernel(spec.MatMul{M: 2, N: 2, K: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"gemm_32"}, gpu.Launches(k))
}

func TestWhyNot(t *testing.T) {
	missing := &cuda.LibraryError{Library: "libcuda", Names: []string{"libcuda.so.1"}, Tried: []cuda.Attempt{{Place: "/usr/lib", Reason: "none"}}}
	require.Equal(t, "no NVIDIA driver found", gpu.WhyNot(errors.Wrap(missing, "gpu")))
	require.Equal(t, "broken", gpu.WhyNot(errors.Wrap(errors.New("broken"), "gpu")))
}
