package cpu

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func drawWith(t *testing.T, what any, n int, in ...[]float32) []float32 {
	t.Helper()
	k, err := Device.Kernel(what)
	require.NoError(t, err)
	out := make([]float32, n)
	var mem []device.Memory
	for _, x := range in {
		mem = append(mem, device.Memory{F32: x})
	}
	require.NoError(t, k.Run([]device.Memory{{F32: out}}, mem))
	return out
}

// chiSquare is Σ (observed − expected)²/expected.
func chiSquare(observed []int, expected []float64) (sum float64) {
	for i, e := range expected {
		d := float64(observed[i]) - e
		sum += d * d / e
	}
	return sum
}

// quantile of the chi-square distribution of k degrees of freedom that one in 10,000 is beyond,
// by Wilson and Hilferty's approximation.
func beyond(k int) float64 {
	const z = 3.719 // of the normal distribution
	f := 2 / (9 * float64(k))
	return float64(k) * math.Pow(1-f+z*math.Sqrt(f), 3)
}

var state = []float32{77, 3, 5, 0}

func TestUniformIsUniform(t *testing.T) {
	const n, bins = 1 << 18, 64
	for stream := range uint32(3) {
		x := drawWith(t, spec.Uniform{N: n, Stream: stream}, n, state)
		single, pairs := make([]int, bins), make([]int, bins*bins)
		for i, v := range x {
			require.True(t, v >= 0 && v < 1)
			single[int(v*bins)]++
			if i%2 == 1 { // neighbours know nothing of each other
				pairs[int(x[i-1]*bins)*bins+int(v*bins)]++
			}
		}
		even := func(k, total int) (out []float64) {
			for range k {
				out = append(out, float64(total)/float64(k))
			}
			return out
		}
		require.Less(t, chiSquare(single, even(bins, n)), beyond(bins-1))
		require.Less(t, chiSquare(pairs, even(bins*bins, n/2)), beyond(bins*bins-1))
	}
}

func TestNormalIsNormal(t *testing.T) {
	const n = 1 << 18
	x := drawWith(t, spec.Normal{N: n, Stream: 1}, n, state)
	var m [5]float64
	var observed []int
	var expected []float64
	below := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	edges := []float64{math.Inf(-1), -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, math.Inf(1)}
	for i := range edges[1:] {
		count := 0
		for _, v := range x {
			if float64(v) > edges[i] && float64(v) <= edges[i+1] {
				count++
			}
		}
		observed, expected = append(observed, count), append(expected, n*(below(edges[i+1])-below(edges[i])))
	}
	require.Less(t, chiSquare(observed, expected), beyond(len(expected)-1))
	for _, v := range x {
		power := 1.0 / n
		for k := range m {
			m[k] += power
			power *= float64(v)
		}
	}
	// Each within four standard errors: √(var(xᵏ)/n) with var(x) = 1, var(x²) = 2, var(x³) = 15, var(x⁴) = 96.
	for k, c := range map[int][2]float64{1: {0, 1}, 2: {1, 2}, 3: {0, 15}, 4: {3, 96}} {
		require.InDelta(t, c[0], m[k], 4*math.Sqrt(c[1]/n), "moment %d", k)
	}
}

func TestBernoulliHasItsShare(t *testing.T) {
	const n = 1 << 18
	for _, p := range []float64{0, 1e-3, 0.3, 0.5, 0.9, 1} {
		ones := 0.0
		for _, v := range drawWith(t, spec.Bernoulli{N: n, P: p, Stream: 2}, n, state) {
			require.True(t, v == 0 || v == 1)
			ones += float64(v)
		}
		require.InDelta(t, n*p, ones, 4*math.Sqrt(n*p*(1-p)), p)
	}
}

// Columns come as often as their weights say, in rows short and long.
func TestChoiceGoesByWeight(t *testing.T) {
	for _, cols := range []int{1, 2, 7, 256, 300, 1000} {
		const rows, k = 2, 8000
		weights := make([]float32, rows*cols)
		expected := make([][]float64, rows)
		for r := range rows {
			total := 0.0
			expected[r] = make([]float64, cols)
			for j := range cols {
				w := float32((j*7+r)%5) + 0.5
				if j%3 == 1 {
					w = 0
				}
				weights[r*cols+j] = w
				total += float64(w)
			}
			for j := range cols {
				expected[r][j] = k * float64(weights[r*cols+j]) / total
			}
		}
		x := drawWith(t, spec.DrawnColumns{Rows: rows, Cols: cols, K: k, Stream: 0}, rows*k, state, weights)
		for r := range rows {
			observed := make([]int, cols)
			for _, v := range x[r*k : (r+1)*k] {
				observed[int(v)]++
			}
			var some []int
			var want []float64
			for j, e := range expected[r] {
				if e == 0 {
					require.Zero(t, observed[j])
					continue
				}
				some, want = append(some, observed[j]), append(want, e)
			}
			if len(want) > 1 {
				require.Less(t, chiSquare(some, want), beyond(len(want)-1), "%d columns", cols)
			}
		}
	}
}

// A weight that is none is refused by its place.
func TestChoiceRefuses(t *testing.T) {
	k, err := Device.Kernel(spec.DrawnColumns{Rows: 2, Cols: 3, K: 1, Stream: 0})
	require.NoError(t, err)
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		w := []float32{1, 0, 2, 0, float32(bad), 1}
		err := k.Run([]device.Memory{{F32: make([]float32, 2)}}, []device.Memory{{F32: state}, {F32: w}})
		require.ErrorContains(t, err, "at position 4, want a finite number of at least 0")
	}
}

// What is drawn depends on no number of threads and on no length, and float64 has the numbers of
// float32.
func TestDrawsAreTheSame(t *testing.T) {
	defer loops.SetThreads(runtime.GOMAXPROCS(0))
	const n = 30001
	weights := make([]float32, 100*n/100)
	for i := range weights {
		weights[i] = float32(i % 11)
	}
	specs := func(n int) map[string]any {
		return map[string]any{"uniform": spec.Uniform{N: n, Stream: 1}, "normal": spec.Normal{N: n, Stream: 1}, "mask": spec.Bernoulli{N: n, P: 0.4, Stream: 1}}
	}
	first := map[string][]float32{}
	for _, threads := range []int{1, 2, 5} {
		loops.SetThreads(threads)
		for name, s := range specs(n) {
			x := drawWith(t, s, n, state)
			if first[name] == nil {
				first[name] = x
			}
			require.Equal(t, first[name], x, name)
		}
		x := drawWith(t, spec.DrawnColumns{Rows: 300, Cols: 100, K: 3, Stream: 1}, 900, state, weights[:30000])
		if first["choice"] == nil {
			first["choice"] = x
		}
		require.Equal(t, first["choice"], x)
	}
	for name, s := range specs(99) {
		require.Equal(t, first[name][:99], drawWith(t, s, 99, state), name)
		k, err := Device.Kernel(s)
		require.NoError(t, err)
		out := make([]float64, 99)
		require.NoError(t, k.Run([]device.Memory{{F64: out}}, []device.Memory{{F64: []float64{77, 3, 5, 0}}}))
		for i, v := range out {
			require.Equal(t, first[name][i], float32(v), name)
		}
	}
}

// The count passes from digit to digit.
func TestAdvance(t *testing.T) {
	s := []float32{9, 8, spec.DropoutBase - 1, 3}
	require.Equal(t, []float32{9, 8, spec.DropoutBase - 1, 3}, drawWith(t, spec.Advance{}, 4, s))
	require.Equal(t, []float32{9, 8, 0, 4}, s)
}

func TestEnqueue(t *testing.T) {
	queue, position := []float32{0, 0, 0, 0, 0, 0}, []float32{0}
	for _, c := range []struct{ x, before, after []float32 }{
		{[]float32{1, 1, 2, 2}, []float32{0, 0, 0, 0, 0, 0}, []float32{1, 1, 2, 2, 0, 0}},
		{[]float32{3, 3, 4, 4}, []float32{1, 1, 2, 2, 0, 0}, []float32{4, 4, 2, 2, 3, 3}},
		{[]float32{5, 5, 6, 6}, []float32{4, 4, 2, 2, 3, 3}, []float32{4, 4, 5, 5, 6, 6}},
	} {
		require.Equal(t, c.before, drawWith(t, spec.Enqueue{Rows: 2, Cols: 2, Slots: 3}, 6, c.x, queue, position))
		require.Equal(t, c.after, queue)
	}
	require.Equal(t, []float32{0}, position)
	k, err := Device.Kernel(spec.Enqueue{Rows: 2, Cols: 2, Slots: 3})
	require.NoError(t, err)
	for _, bad := range []float32{3, -1, 0.5, float32(math.NaN())} {
		err := k.Run([]device.Memory{{F32: make([]float32, 6)}}, []device.Memory{{F32: make([]float32, 4)}, {F32: queue}, {F32: []float32{bad}}})
		require.ErrorContains(t, err, "the queue's next slot")
	}
}
