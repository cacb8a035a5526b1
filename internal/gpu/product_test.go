package gpu_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device"
	"medusa/internal/gpu"
	"medusa/internal/gpu/gputest"
	"medusa/internal/spec"
)

// own is a device that makes its products by its own kernels.
func own(t *testing.T, tf32 bool) *gpu.Device {
	t.Helper()
	gputest.Prepare(t)
	d, err := gpu.Open(0, gpu.Options{TF32: tf32})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	gpu.WithoutBLAS(d)
	gpu.WithoutDNN(d)
	return d
}

// seen is what a test reached of what it must, with the first trials of each.
type seen map[string][]trial

// trial is a kernel's run that is compared, and the products in it.
type trial struct {
	work int
	run  func()
}

// few is how many trials are offered for the place of one: the smallest of them proves as much.
const few = 8

// offer notes what launches a product, with the words on its kind.
func (s seen) offer(launches []string, kernel string, t trial, words ...string) {
	i := slices.IndexFunc(launches, func(l string) bool { return strings.HasPrefix(l, kernel+"_") })
	key := launches[i]
	if slices.Contains(launches, "sum_parts") {
		key += " split"
	}
	for _, w := range words {
		key += " " + w
	}
	if len(s[key]) < few {
		s[key] = append(s[key], t)
	}
}

// run makes the smallest trial of each kind; with MEDUSA_LONG=1 the first, too.
func (s seen) run() {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		slices.MinFunc(s[key], func(a, b trial) int { return a.work - b.work }).run()
		if os.Getenv("MEDUSA_LONG") != "" {
			s[key][0].run()
		}
	}
}

// all asserts that kernel was reached at every size of tile, split and not, with every word.
func (s seen) all(t *testing.T, kernel string, tf32 bool, words ...string) {
	t.Helper()
	if len(words) == 0 {
		words = []string{""}
	}
	for _, side := range []string{"_128", "_64", "_32"} {
		for _, split := range []string{"", " split"} {
			for _, w := range words {
				key := kernel + side
				if tf32 {
					key += "_tf32"
				}
				key += split
				if w != "" {
					key += " " + w
				}
				require.NotEmpty(t, s[key], "no test came to %s", key)
			}
		}
	}
}

// around is a number near one that ends a tile, or a small one.
func around(rng *rand.Rand, most int) int {
	n := []int{1, 2, 5, 8, 16, 31, 32, 33, 48, 64, 65, 100, 127, 128, 130, 256, 260, 500, 600}
	for {
		if v := n[rng.IntN(len(n))]; v <= most {
			return v
		}
	}
}

var processors = []int{1, 2, 3, 5, 40, 132}

func eachMode(t *testing.T, body func(t *testing.T, p pair, rng *rand.Rand, tf32 bool)) {
	for _, tf32 := range []bool{false, true} {
		t.Run(fmt.Sprintf("tf32=%v", tf32), func(t *testing.T) {
			p := pair{t: t, d: own(t, tf32), rel: 4e-6}
			if tf32 {
				p.rounded = 2
			}
			body(t, p, rand.New(rand.NewPCG(2, 1)), tf32)
		})
	}
}

func TestProductsByEveryTile(t *testing.T) {
	eachMode(t, func(t *testing.T, p pair, rng *rand.Rand, tf32 bool) {
		reached := seen{}
		for i := range 6000 {
			m, n, k, how := around(rng, 260), around(rng, 260), around(rng, 600), rng.IntN(4)
			if i%4 == 0 { // what large tiles in parts take
				m, n, k = 120+rng.IntN(9), 120+rng.IntN(9), 500+rng.IntN(200)
			}
			if m*n*k > 12<<20 {
				continue
			}
			units := processors[rng.IntN(len(processors))]
			gpu.SetProcessors(p.d, units)
			a, b := how&1 > 0, how&2 > 0
			s := spec.MatMul{TransA: a, TransB: b, M: m, N: n, K: k}
			kern, err := p.d.Kernel(s)
			require.NoError(t, err)
			reached.offer(gpu.Launches(kern), "gemm", trial{m * n * k, func() {
				gpu.SetProcessors(p.d, units)
				p.run(s, m*n, random(rng, m*k), random(rng, k*n))
				p.run(spec.Linear{B: m, F: k, O: n, Bias: a, Relu: b}, m*n, random(rng, m*k), random(rng, n*k), random(rng, n))
			}}, fmt.Sprint(a, b))
		}
		reached.run()
		reached.all(t, "gemm", tf32, "false false", "false true", "true false", "true true")
	})
}

// channels is a number of them, often a round one.
func channels(rng *rand.Rand, most int) int { return min(around(rng, 128), most) }

func TestConvolutionsByEveryTile(t *testing.T) {
	eachMode(t, func(t *testing.T, p pair, rng *rand.Rand, tf32 bool) {
		reached := seen{}
		for i := range 12000 {
			groups := 1 + rng.IntN(4)/2
			c := spec.Conv2D{N: 1 + rng.IntN(4), C: groups * channels(rng, 128/groups), H: 1 + rng.IntN(14), W: 1 + rng.IntN(14), OutC: groups * channels(rng, 128/groups),
				KH: 1 + rng.IntN(3), KW: 1 + rng.IntN(3), PadH: rng.IntN(3), PadW: rng.IntN(3), StrideH: 1 + rng.IntN(4)/2, StrideW: 1 + rng.IntN(4)/2,
				DilH: 1 + rng.IntN(2), DilW: 1 + rng.IntN(2), Groups: groups}
			switch i % 8 { // what large tiles in parts take
			case 0:
				c = spec.Conv2D{N: 1 + rng.IntN(5), C: 64 * (1 + rng.IntN(2)), H: 8 * (1 + rng.IntN(2)), W: 8, OutC: 64 * (1 + rng.IntN(2)), KH: 3, KW: 3, PadH: 1, PadW: 1, StrideH: 1 + rng.IntN(2), Groups: 1}
				c.C -= rng.IntN(2)
				c.OutC -= rng.IntN(2)
				groups = 1
			case 1:
				c = spec.Conv2D{N: 4, C: 14, H: 12 + rng.IntN(3), W: 14, OutC: 120 + rng.IntN(9), KH: 3, KW: 3, PadH: 1, PadW: 1, Groups: 1}
				groups = 1
			}
			c = c.WithDefaults()
			if c.Depthwise() {
				continue // TestDepthwise has these
			}
			if c.H+2*c.PadH <= c.DilH*(c.KH-1) || c.W+2*c.PadW <= c.DilW*(c.KW-1) {
				continue
			}
			work := c.N * c.OutC * c.OutH() * c.OutW() * c.C / groups * c.KH * c.KW
			if work > 24<<20 {
				continue
			}
			units := processors[rng.IntN(len(processors))]
			gpu.SetProcessors(p.d, units)
			nx, nw, ny := c.N*c.C*c.H*c.W, c.OutC*c.C/groups*c.KH*c.KW, c.N*c.OutC*c.OutH()*c.OutW()
			whole := func(n int) string { return map[bool]string{true: "whole", false: "pieces"}[n%32 == 0] }
			phases := map[bool]string{true: "strides", false: "plain"}[c.StrideH*c.StrideW > 1]
			launches := func(s any) []string {
				kern, err := p.d.Kernel(s)
				require.NoError(t, err)
				return gpu.Launches(kern)
			}
			offer := func(s any, kernel string, out int, in []int, words ...string) {
				reached.offer(launches(s), kernel, trial{work, func() {
					gpu.SetProcessors(p.d, units)
					data := make([][]float32, len(in))
					for i, n := range in {
						data[i] = random(rng, n)
					}
					p.run(s, out, data...)
				}}, words...)
			}
			offer(spec.Conv{Conv2D: c, Bias: true, Relu: true}, "conv_forward", ny, []int{nx, nw, c.OutC}, whole(c.C/groups))
			offer(spec.ConvGradInput{Conv2D: c}, "conv_to_input", nx, []int{ny, nw}, whole(c.OutC/groups), phases)
			offer(spec.ConvGradWeight{Conv2D: c}, "conv_to_weight", nw, []int{nx, ny})
		}
		reached.run()
		reached.all(t, "conv_forward", tf32, "whole", "pieces")
		reached.all(t, "conv_to_input", tf32, "whole plain", "pieces plain", "whole strides", "pieces strides")
		reached.all(t, "conv_to_weight", tf32)
	})
}

// Equal numbers, equal bits: run after run, and after other work.
func TestProductsRepeat(t *testing.T) {
	eachMode(t, func(t *testing.T, p pair, rng *rand.Rand, _ bool) {
		m, n, k := 65, 70, 600
		s := spec.MatMul{M: m, N: n, K: k}
		kern, err := p.d.Kernel(s)
		require.NoError(t, err)
		require.Contains(t, gpu.Launches(kern), "sum_parts")
		in := []device.Memory{{Remote: p.upload(random(rng, m*k))}, {Remote: p.upload(random(rng, k*n))}}
		out, err := p.d.Alloc(m * n)
		require.NoError(t, err)
		var results [2][]float32
		for i := range results {
			results[i] = make([]float32, m*n)
			require.NoError(t, kern.Run([]device.Memory{{Remote: out}}, in))
			require.NoError(t, p.d.Download(results[i], out))
			p.run(spec.MatMul{M: 40, N: 50, K: 60}, 2000, random(rng, 2400), random(rng, 3000))
		}
		for i, v := range results[0] {
			require.Equal(t, math.Float32bits(v), math.Float32bits(results[1][i]))
		}
	})
}

func TestCut(t *testing.T) {
	blocks := func(rows, cols, k, times int, tf32 bool) (side, n int) {
		side, parts, each := gpu.Cut(rows, cols, k, times, 132, tf32)
		require.Less(t, (parts-1)*each, max(k, 1), "no part is empty")
		require.GreaterOrEqual(t, parts*each, k)
		return side, (rows + side - 1) / side * ((cols + side - 1) / side) * times * parts
	}
	for _, tf32 := range []bool{false, true} {
		side, _ := blocks(4096, 4096, 4096, 1, tf32)
		require.Equal(t, 128, side, "large")
		for _, s := range [][4]int{{32, 512, 2048, 1}, {64, 576, 32 * 56 * 56, 1}, {512, 32 * 49, 4608, 1}, {128, 128, 512, 1}, {1, 1, 1 << 20, 1}} {
			_, n := blocks(s[0], s[1], s[2], s[3], tf32)
			require.GreaterOrEqual(t, n, 98, "%v fills the GPU", s)
			require.LessOrEqual(t, n, 4*132, "%v", s)
		}
		side, n := blocks(1, 1, 1, 1, tf32)
		require.Equal(t, []int{32, 1}, []int{side, n}, "smallest")
		_, n = blocks(1, 1, 0, 1, tf32)
		require.Equal(t, 1, n, "nothing to add up")
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for range 3000 {
		rows, cols, k, times := 1+rng.IntN(1<<rng.IntN(14)), 1+rng.IntN(1<<rng.IntN(20)), rng.IntN(1<<rng.IntN(20)), 1+rng.IntN(1<<rng.IntN(10))
		side, parts, each := gpu.Cut(rows, cols, k, times, 1+rng.IntN(200), rng.IntN(2) == 0)
		require.Zero(t, each%32*(side/32%2), "parts begin where a tile does")
		require.Less(t, (parts-1)*each, max(k, 1))
		require.GreaterOrEqual(t, parts*each, k)
		require.LessOrEqual(t, times*parts, 1<<16-1)
	}
}

// What the kernels cannot count is refused, with the way out.
func TestProductsTooLarge(t *testing.T) {
	d := own(t, false)
	_, err := d.Kernel(spec.MatMul{M: 1, N: math.MaxInt32, K: 1})
	require.ErrorContains(t, err, "cut it in pieces")
	_, err = d.Kernel(spec.Conv{Conv2D: spec.Conv2D{N: 1 << 16, C: 64, H: 32, W: 32, OutC: 1, KH: 1, KW: 1}})
	require.ErrorContains(t, err, "take a smaller batch")
	_, err = d.Kernel(spec.ConvGradInput{Conv2D: spec.Conv2D{N: 1, C: 1 << 16, H: 1, W: 1, OutC: 1 << 17, KH: 1, KW: 1, Groups: 1 << 16}})
	require.ErrorContains(t, err, "groups")
}

// With AnyOrder cuDNN and our own kernels are timed, once for each shape; without, cuDNN serves.
func TestFasterConvolution(t *testing.T) {
	fake := gputest.Prepare(t)
	if fake == nil {
		t.Skip("counts the fake device's calls")
	}
	fake.Set("quiet", 0)
	what := spec.Conv{Conv2D: spec.Conv2D{N: 2, C: 3, H: 5, W: 6, OutC: 4, KH: 3, KW: 3, PadH: 1, PadW: 1}}
	for _, any := range []bool{false, true} {
		d, err := gpu.Open(0, gpu.Options{AnyOrder: any})
		require.NoError(t, err)
		defer d.Close()
		timed := func() int {
			fake.ClearLog()
			k, err := d.Kernel(what)
			require.NoError(t, err)
			require.Empty(t, gpu.Launches(k), "cuDNN is no slower")
			return len(fake.Calls("cudnnConvolutionForward"))
		}
		want := 0
		if any {
			want = 6
		}
		require.Equal(t, want, timed())
		require.Zero(t, timed())
	}
	// What cuDNN refuses when it is run is ours.
	d, err := gpu.Open(0, gpu.Options{AnyOrder: true})
	require.NoError(t, err)
	defer d.Close()
	fake.Inject("cudnnConvolutionForward", 1, 9)
	k, err := d.Kernel(what)
	require.NoError(t, err)
	require.Contains(t, gpu.Launches(k), "conv_forward_32")
	p := pair{t: t, d: d, rel: 4e-6}
	rng := rand.New(rand.NewPCG(1, 14))
	p.run(what, 2*4*5*6, random(rng, 2*3*5*6), random(rng, 4*3*9))
	checkConvolutions(p, rng, 0)
}
