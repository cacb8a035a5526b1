package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

// crossMatrix is the gradient of distances between two sets of rows from a matrix in memory.
func crossMatrix(d spec.Distance, toY bool) spec.PairGrad {
	return spec.PairGrad{Distance: d, ToY: toY, Parts: []spec.Part{{Kind: spec.MatrixPart}}}
}

// The gradient by products of two sets of rows, close ones among them, against the loop in
// float64, relative to the largest |gradient| that a single pair could have at that row.
func TestCrossPairGradByProduct(t *testing.T) {
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 17))
		n, m, d := 1+rng.IntN(150), 1+rng.IntN(90), 8+rng.IntN(50)
		x := hardRows(rng, n, d)
		y := hardRows(rng, m, d)
		for j := range m { // some rows are those of x, or near to them
			if rng.IntN(3) == 0 {
				copy(y[j*d:(j+1)*d], x[rng.IntN(n)*d:][:d])
				y[j*d] *= 1 + float32(rng.IntN(2))*1e-3
			}
		}
		for _, metric := range []spec.Metric{spec.Euclidean, spec.SquaredEuclidean} {
			s := spec.Distance{Metric: metric, N: n, M: m, D: d}
			dist := make([]float32, n*m)
			productDistances(s)(dist, [][]float32{x, y})
			g := make([]float32, n*m)
			for i := range g {
				if rng.IntN(3) > 0 {
					g[i] = float32(rng.NormFloat64())
				}
			}
			for _, toY := range []bool{false, true} {
				grad := crossMatrix(s, toY)
				got, want := make([]float32, pairGradRows(grad)*d), make([]float64, pairGradRows(grad)*d)
				crossPairGrad(grad)(got, [][]float32{x, y, dist, g})
				summedPairGrad[float64](grad)(want, [][]float64{doubles(x), doubles(y), doubles(dist), doubles(g)})
				size := make([]float64, pairGradRows(grad)) // Σ over pairs of |w|·‖x − y‖
				for k, v := range g {
					w := math.Abs(float64(v))
					if metric == spec.SquaredEuclidean {
						w *= 2 * float64(float32(math.Sqrt(float64(dist[k]))))
					}
					if toY {
						size[k%m] += w
					} else {
						size[k/m] += w
					}
				}
				for i, v := range want {
					require.InDelta(t, v, float64(got[i]), 2e-5*size[i/d]+1e-30, "seed %d %s to y %t: row %d", seed, metric, toY, i/d)
				}
			}
		}
	}
}

// maskKinds are masks (n, m) of all kinds with their inputs; of labels of a batch with itself where
// n is m.
func maskKinds(rng *rand.Rand, n, m int) (kinds []spec.Mask, inputs [][][]float32) {
	labels := func(k int) []float32 {
		x := make([]float32, k)
		for i := range x {
			x[i] = float32(rng.IntN(1 + n/4))
		}
		return x
	}
	index := make([]float32, 2*n)
	for i := range index {
		index[i] = float32(rng.IntN(m+1) - 1)
	}
	d, above, atMost := normals(rng, n*m), normals(rng, n), normals(rng, n)
	given := make([]float32, n*m)
	for i := range given {
		given[i] = float32(rng.IntN(2))
	}
	choices := [][]spec.Filter{nil, {{Kind: spec.Within}}, {{Kind: spec.Listed, K: 2}}, {{Kind: spec.Listed, K: 2}, {Kind: spec.Within}}, {{Kind: spec.Within}, {Kind: spec.Listed, K: 2}}}
	for _, p := range []spec.Pairs{spec.Given, spec.Positive, spec.Negative} {
		for _, cross := range []bool{false, true} {
			if cross && p == spec.Given || !cross && p != spec.Given && n != m {
				continue
			}
			base := given
			if p != spec.Given {
				base = labels(n)
			}
			if cross {
				base = labels(n + m)
			}
			for _, c := range choices {
				in := [][]float32{base}
				for _, c := range c {
					if c.Kind == spec.Within {
						in = append(in, d, above, atMost)
					} else {
						in = append(in, index)
					}
				}
				kinds, inputs = append(kinds, spec.Mask{Pairs: p, Cross: cross, Filters: c}), append(inputs, in)
			}
		}
	}
	return kinds, inputs
}

// A mask that is made row by row holds what it says, entry by entry.
func TestMaskRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 18))
	for _, s := range [][2]int{{1, 1}, {5, 9}, {17, 17}, {3, 40}} {
		n, m := s[0], s[1]
		kinds, inputs := maskKinds(rng, n, m)
		for i, k := range kinds {
			got := make([]float32, n*m)
			run(t, spec.PairMask{Rows: n, Cols: m, Mask: k}, got, inputs[i]...)
			rows := newMaskRows[float32](k, n, m)
			rows.begin(inputs[i])
			for r := range n {
				for j := range m {
					require.Equal(t, rows.has(r, j), got[r*m+j] == 1, "%+v at (%d, %d)", k, r, j)
					require.Equal(t, rows.has(r, j), chosenBy(k, inputs[i], r, j, n, m), "%+v at (%d, %d)", k, r, j)
				}
			}
		}
	}
}

// chosenBy is what a mask means.
func chosenBy(k spec.Mask, in [][]float32, r, j, n, m int) bool {
	column := j
	if k.Cross {
		column += n
	}
	yes := true
	switch k.Pairs {
	case spec.Given:
		yes = in[0][r*m+j] != 0
	case spec.Positive:
		yes = in[0][r] == in[0][column] && (k.Cross || r != j)
	case spec.Negative:
		yes = in[0][r] != in[0][column]
	}
	in = in[1:]
	for _, c := range k.Filters {
		if c.Kind == spec.Within {
			yes = yes && in[0][r*m+j] > in[1][r] && in[0][r*m+j] <= in[2][r]
		} else {
			listed := false
			for _, v := range in[0][r*c.K : (r+1)*c.K] {
				listed = listed || int(v) == j
			}
			yes = yes && listed
		}
		in = in[c.Inputs():]
	}
	return yes
}

// The gradient from parts with masks of every kind is that from their sum, whatever the number of
// threads.
func TestCrossPairGradOfParts(t *testing.T) {
	for seed := range uint64(60) {
		checkCrossPairGrad(t, seed)
	}
}

func FuzzCrossPairGrad(f *testing.F) {
	f.Add(uint64(61))
	f.Fuzz(func(t *testing.T, seed uint64) { checkCrossPairGrad(t, seed) })
}

func checkCrossPairGrad(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 19))
	n, m, d := 1+rng.IntN(150), 1+rng.IntN(100), 1+rng.IntN(30)
	self := rng.IntN(3) == 0
	if self {
		m = n
	}
	metric := []spec.Metric{spec.Euclidean, spec.SquaredEuclidean, spec.Dot, spec.Manhattan, spec.Minkowski}[rng.IntN(5)]
	s := spec.PairGrad{Distance: spec.Distance{Metric: metric, N: n, M: m, D: d, P: 3, Self: self}}
	x, y := normals(rng, n*d), normals(rng, m*d)
	rowsIn := [][]float32{x, y}
	if self {
		y, rowsIn = x, [][]float32{x}
	}
	dist := make([]float32, n*m)
	run(t, s.Distance, dist, rowsIn...)
	in, sum := append(rowsIn, dist), make([]float32, n*m)
	kinds, inputs := maskKinds(rng, n, m)
	for range 1 + rng.IntN(3) {
		i, k := rng.IntN(len(kinds)), rng.IntN(len(kinds))
		var p spec.Part
		var what any
		own := append([][]float32{}, inputs[i]...)
		switch rng.IntN(4) {
		case 0:
			terms := spec.RowTermsGrad{Rows: n, Cols: m, Low: 0, High: math.NaN(), Mask: kinds[i], Hinge: rng.IntN(2) == 0, K: -1, C: rng.NormFloat64() * float64(d)}
			p, what, own = spec.Part{Kind: spec.TermsPart, Terms: terms}, terms, append(own, normals(rng, n))
		case 1:
			triplets := spec.Triplets{N: n, M: m, Margin: 0.3, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1), Smooth: rng.IntN(2) == 0, Pos: kinds[i], Neg: kinds[k]}
			p, what = spec.Part{Kind: spec.TripletsPart, Triplets: spec.TripletsGrad(triplets)}, spec.TripletsGrad(triplets)
			own = append(append(own, inputs[k]...), normals(rng, n))
		default:
			reduce := spec.RowReduce{Op: []spec.Reduction{spec.RowMax, spec.RowMin, spec.RowLogSumExp}[rng.IntN(3)], Rows: n, Cols: m, K: 1, Mask: kinds[i]}
			if reduce.Op == spec.RowLogSumExp {
				reduce.K = 8 * rng.NormFloat64() / float64(1+slices.Max(dist))
			}
			res := run(t, reduce, make([]float32, n), append([][]float32{dist}, own...)...)
			p, what, own = spec.Part{Kind: spec.ReducePart, Reduce: spec.RowReduceGrad(reduce)}, spec.RowReduceGrad(reduce), append(append(own, res...), normals(rng, n))
		}
		g := make([]float32, n*m)
		run(t, what, g, append([][]float32{dist}, own...)...)
		loops.Add(sum, sum, g)
		s.Parts, in = append(s.Parts, p), append(in, own...)
	}
	if rng.IntN(3) == 0 {
		g := normals(rng, n*m)
		loops.Add(sum, sum, g)
		s.Parts, in = append(s.Parts, spec.Part{Kind: spec.MatrixPart}), append(in, g)
	}
	for _, toY := range []bool{false, true} {
		if s.ToY = toY; self && toY {
			continue
		}
		requireGradient(t, s, fmt.Sprintf("seed %d: %s", seed, spec.Describe(s)), in, append(append([][]float32{}, rowsIn...), dist, sum), sum)
	}
}

// requireGradient compares the kernels of s with the loop in float64 over the sum of its parts.
func requireGradient(t *testing.T, s spec.PairGrad, what string, in, matrix [][]float32, sum []float32) {
	t.Helper()
	exact, got, double := make([]float64, pairGradRows(s)*s.D), make([]float32, pairGradRows(s)*s.D), make([]float64, pairGradRows(s)*s.D)
	var doubled [][]float64
	for _, v := range matrix {
		doubled = append(doubled, doubles(v))
	}
	plain := crossMatrix(s.Distance, s.ToY)
	summedPairGrad[float64](plain)(exact, doubled)
	run(t, s, got, in...)
	var memory []device.Memory
	for _, v := range in {
		memory = append(memory, device.Memory{F64: doubles(v)})
	}
	k, err := Device.Kernel(s)
	require.NoError(t, err)
	require.NoError(t, k.Run([]device.Memory{{F64: double}}, memory))
	size := make([]float64, pairGradRows(s))
	for i := range size {
		size[i] = 1
	}
	for k, v := range sum {
		i, j := k/s.M, k%s.M
		w := math.Abs(float64(v)) * math.Sqrt(float64(s.D)) * 3 // of a row, or a difference
		if !s.ToY {
			size[i] += w
		}
		if s.ToY || s.Self {
			size[j] += w
		}
	}
	for i, v := range exact {
		require.InDelta(t, v, float64(got[i]), 2e-5*size[i/s.D], "%s, row %d", what, i/s.D)
		require.InDelta(t, v, double[i], 2e-5*size[i/s.D], "%s, row %d, in float64", what, i/s.D)
	}
	for _, threads := range []int{1, 3} {
		loops.SetThreads(threads)
		again := make([]float32, len(got))
		run(t, s, again, in...)
		loops.SetThreads(0)
		require.Equal(t, got, again, what)
	}
}
