package cpu

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

// powersCase is a batch with what is summed of its pairs.
type powersCase struct {
	s         spec.PairPowers
	x, labels []float32
	up        [][]float32 // the gradient to each sum
}

// sumOfPowers is a part whose sums are over the pairs of labels.
func sumOfPowers(n int, pairs spec.Pairs, k float64) spec.Part {
	return spec.Part{Kind: spec.ReducePart, Reduce: spec.RowReduceGrad{Op: spec.RowLogSumExp, Rows: n, Cols: n, K: k, Empty: -3, Mask: spec.Mask{Pairs: pairs}}}
}

func sumOfPositives(n int) spec.Part {
	nan := math.NaN()
	return spec.Part{Kind: spec.TermsPart, Terms: spec.RowTermsGrad{Rows: n, Cols: n, Low: nan, High: nan, Mask: spec.Mask{Pairs: spec.Positive}}}
}

// newPowersCase is one of up to 300 rows, some of which are equal or nearly so.
func newPowersCase(rng *rand.Rand) powersCase {
	n, d := 1+rng.IntN(300), 8+rng.IntN(60)
	c := powersCase{x: make([]float32, n*d), labels: make([]float32, n)}
	spread := 1 / math.Sqrt(float64(d))
	for i := range n {
		row := c.x[i*d : (i+1)*d]
		for k := range row {
			row[k] = float32(spread * rng.NormFloat64())
		}
		if i > 0 && rng.IntN(8) == 0 {
			near := spread * math.Pow(10, -float64(rng.IntN(9)))
			of := i - 1 // mostly of its class
			if rng.IntN(2) == 0 {
				of = rng.IntN(i)
			}
			for k, v := range c.x[of*d:][:d] {
				row[k] = v + float32(near*rng.NormFloat64())
			}
		}
	}
	size := 1 + rng.IntN(1+n/8)
	if rng.IntN(2) == 0 {
		size = 2
	}
	order := rng.Perm(n)
	for i := range n {
		c.labels[i] = float32(i / size)
		if rng.IntN(4) == 0 {
			c.labels[i] = float32(order[i] / size)
		}
	}
	k := float64(1-2*rng.IntN(2)) * math.Exp(4*rng.Float64()-1)
	metric := []spec.Metric{spec.SquaredEuclidean, spec.Dot}[rng.IntN(2)]
	c.s = spec.PairPowers{Distance: spec.Distance{Metric: metric, N: n, M: n, D: d, Self: true}, Sums: []spec.Part{sumOfPowers(n, spec.Negative, k)}}
	for _, p := range []spec.Part{sumOfPowers(n, spec.Positive, -k/2), sumOfPositives(n), sumOfPowers(n, spec.Negative, k)} {
		if rng.IntN(3) > 0 {
			c.s.Sums = append(c.s.Sums, p)
		}
	}
	still := rng.IntN(3) == 0 // negative pairs, so that near positive ones alone pull at some rows
	for _, p := range c.s.Sums {
		up := make([]float32, n)
		for i := range up {
			if !still || p.Reduce.Mask.Pairs != spec.Negative {
				up[i] = float32(rng.NormFloat64())
			}
		}
		c.up = append(c.up, up)
	}
	return c
}

// memoryOf is x in numbers of either type.
func memoryOf(x []float32, double bool) device.Memory {
	if double {
		return device.Memory{F64: doubles(x)}
	}
	return device.Memory{F32: x}
}

// run is the outputs and the gradient.
func (c powersCase) run(t require.TestingT, double bool) (out []device.Memory, grad device.Memory) {
	s := c.s
	require.True(t, s.HasPowers())
	numbers := numbers32
	if double {
		numbers = numbers64
	}
	x, labels := memoryOf(c.x, double), memoryOf(c.labels, double)
	out = outputs(s, s.N*s.N, numbers)
	k, err := Device.Kernel(s)
	require.NoError(t, err)
	require.NoError(t, k.Run(out, []device.Memory{x, labels}))
	in, at := []device.Memory{x, out[0]}, 1
	for i, p := range s.Sums {
		in = append(in, labels)
		if p.Kind == spec.ReducePart {
			in = append(in, out[at+spec.ReducedAt], out[at+spec.ReducedTotal])
		}
		in = append(in, memoryOf(c.up[i], double))
		at += p.Sums()
	}
	k, err = Device.Kernel(spec.PairGrad{Distance: s.Distance, Parts: s.Sums, Powers: true})
	require.NoError(t, err)
	grad = numbers(s.N * s.D)
	require.NoError(t, k.Run([]device.Memory{grad}, in))
	return out, grad
}

// Sums and gradients of the short way are those of plain loops in float64.
func checkPairPowers(t *testing.T, seed uint64) (mark float32) {
	t.Helper()
	c := newPowersCase(rand.New(rand.NewPCG(seed, 21)))
	got, gotGrad := c.run(t, false)
	want, wantGrad := c.run(t, true)
	n, d := c.s.N, c.s.D
	largest, steepest := 0.0, 1.0
	for _, v := range want[0].F64 {
		largest = max(largest, math.Abs(v))
	}
	at := 1
	for _, p := range c.s.Sums {
		error := 1e-6 * largest // of distances
		if p.Kind == spec.ReducePart {
			error *= math.Abs(p.Reduce.K)
			steepest = max(steepest, math.Abs(p.Reduce.K))
		} else {
			error *= float64(n)
			require.InDeltaSlice(t, want[at+spec.TermCount].F64, doubles(got[at+spec.TermCount].F32), 0, "seed %d", seed)
		}
		for r, v := range want[at].F64 {
			require.InDelta(t, v, got[at].F32[r], error+1e-6*(1+math.Abs(v)), "seed %d row %d of %+v", seed, r, p)
			if p.Kind == spec.ReducePart {
				require.Equal(t, want[at+spec.ReducedTotal].F64[r] == 0, got[at+spec.ReducedTotal].F32[r] == 0, "seed %d row %d of %+v", seed, r, p)
			}
		}
		at += p.Sums()
	}
	size := c.pulls(want)
	for i, v := range wantGrad.F64 {
		// Asked of so many that an assertion for each would take most of the time.
		if most := (2e-5+3e-6*steepest*largest)*size[i/d] + 1e-30; !(math.Abs(v-float64(gotGrad.F32[i])) <= most) {
			t.Fatalf("seed %d row %d: %v, want %v to %v: %+v", seed, i/d, gotGrad.F32[i], v, most, c.s)
		}
	}
	return got[0].F32[0]
}

// pulls are how strongly all others pull at each row, if in one direction.
func (c powersCase) pulls(out []device.Memory) []float64 {
	n, d := c.s.N, c.s.D
	g := make([]float64, n*n)
	at := 1
	for i, p := range c.s.Sums {
		up := doubles(c.up[i])
		for r := range up {
			up[r] = math.Abs(up[r])
		}
		part, in := make([]float64, n*n), [][]float64{out[0].F64, doubles(c.labels)}
		if p.Kind == spec.ReducePart {
			in = append(in, out[at+spec.ReducedAt].F64, out[at+spec.ReducedTotal].F64)
		}
		kernelOfRows(n, n, rowsOf[float64](p))(part, append(in, up))
		for k, v := range part {
			g[k] += math.Abs(v)
		}
		at += p.Sums()
	}
	sums := make([]float64, n)
	for i := range n {
		for j := range n {
			length := 0.0
			for k := range d {
				v := float64(c.x[j*d+k])
				if c.s.Metric == spec.SquaredEuclidean {
					v = 2 * (v - float64(c.x[i*d+k]))
				}
				length += v * v
			}
			sums[i] += (g[i*n+j] + g[j*n+i]) * math.Sqrt(length)
		}
	}
	return sums
}

func TestPairPowers(t *testing.T) {
	seeds := uint64(48)
	if os.Getenv("MEDUSA_LONG") != "" {
		seeds = 1500
	}
	marks := map[float32]int{}
	for seed := range seeds {
		mark := checkPairPowers(t, seed)
		if mark >= 0 {
			mark = 0
		}
		marks[mark]++
	}
	for _, mark := range []float32{0, noneClose, someClose} {
		require.Greater(t, marks[mark], int(seeds)/12, "way %v of %v", mark, marks)
	}
}

func FuzzPairPowers(f *testing.F) {
	f.Add(uint64(5))
	f.Fuzz(func(t *testing.T, seed uint64) { checkPairPowers(t, seed) })
}

// The number of threads changes no bit.
func TestPairPowersDependOnNoThreads(t *testing.T) {
	defer loops.SetThreads(0)
	for seed := range uint64(8) {
		c := newPowersCase(rand.New(rand.NewPCG(seed, 22)))
		loops.SetThreads(1)
		out, grad := c.run(t, false)
		for _, threads := range []int{2, 5} {
			loops.SetThreads(threads)
			again, g := c.run(t, false)
			require.Equal(t, out, again)
			require.Equal(t, grad, g)
		}
	}
}

// What has no short way is made by the kernels of its parts, to the last bit.
func TestPairPowersWithoutAShortWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 23))
	for name, spoil := range map[string]func(c *powersCase){
		"a class of many rows": func(c *powersCase) { clear(c.labels[:c.s.N/2]) },
		"powers far apart":     func(c *powersCase) { c.s.Sums[0].Reduce.K *= 1e4; c.s.Sums = c.s.Sums[:1] },
		"a row that is NaN":    func(c *powersCase) { c.x[3] = float32(math.NaN()) },
		"an infinite row":      func(c *powersCase) { c.x[c.s.D] = float32(math.Inf(-1)) },
		"a long row":           func(c *powersCase) { c.x[5] = 1e19 },
		"a label that is NaN":  func(c *powersCase) { c.labels[c.s.N-1] = float32(math.NaN()) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 6 {
				c := newPowersCase(rng)
				for c.s.N < 40 {
					c = newPowersCase(rng)
				}
				spoil(&c)
				got, gotGrad := c.run(t, false)
				d := make([]float32, c.s.N*c.s.N)
				single, _ := distancesOf(c.s.Distance)
				single(d, [][]float32{c.x})
				requireSameBits(t, d, got[0].F32)
				at := 1
				in, memory := [][]float32{c.x, d}, [][]float32{d, c.labels}
				for i, p := range c.s.Sums {
					sums := make([][]float32, p.Sums())
					for k := range sums {
						sums[k] = make([]float32, c.s.N)
					}
					in = append(in, c.labels)
					if p.Kind == spec.TermsPart {
						rowTerms[float32](spec.RowTerms(p.Terms))(sums, memory)
					} else {
						rowReduce[float32](spec.RowReduce(p.Reduce))(sums, memory)
						in = append(in, sums[1:]...)
					}
					in = append(in, c.up[i])
					for k, v := range sums {
						requireSameBits(t, v, got[at+k].F32)
					}
					at += p.Sums()
				}
				want := make([]float32, c.s.N*c.s.D)
				productPairGrad(spec.PairGrad{Distance: c.s.Distance, Parts: c.s.Sums})(want, in)
				requireSameBits(t, want, gotGrad.F32)
			}
		})
	}
}

func requireSameBits(t *testing.T, want, got []float32) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, v := range want {
		if math.Float32bits(v) != math.Float32bits(got[i]) {
			t.Fatalf("element %d: %v, want %v", i, got[i], v)
		}
	}
}

// The short way allocates nothing once it has run.
func TestPairPowersAllocateNothing(t *testing.T) {
	loops.SetThreads(1)
	defer loops.SetThreads(0)
	rng := rand.New(rand.NewPCG(1, 24))
	c := newPowersCase(rng)
	for c.s.N < 100 || c.s.Metric == spec.Dot || len(c.s.Sums) < 4 || math.Abs(c.s.Sums[0].Reduce.K) > 2 {
		c = newPowersCase(rng)
	}
	for i := range c.labels {
		c.labels[i] = float32(i / 2)
	}
	powers, pull := newPowersTask(c.s), newPowersPull(spec.PairGrad{Distance: c.s.Distance, Parts: c.s.Sums, Powers: true}, newCentred(c.s.N, c.s.D))
	out, x := outputs(c.s, c.s.N*c.s.N, numbers32), [][]float32{c.x, c.labels}
	var made [][]float32
	for _, m := range out {
		made = append(made, m.F32)
	}
	in, at := [][]float32{c.x, made[0]}, 1
	for i, p := range c.s.Sums {
		in = append(in, c.labels)
		if p.Kind == spec.ReducePart {
			in = append(in, made[at+spec.ReducedAt], made[at+spec.ReducedTotal])
		}
		in = append(in, c.up[i])
		at += p.Sums()
	}
	grad := make([]float32, c.s.N*c.s.D)
	both := func() {
		require.True(t, powers.begin(made, x))
		powers.run()
		pull.run(grad, in)
	}
	both()
	require.Zero(t, testing.AllocsPerRun(5, both))
}
