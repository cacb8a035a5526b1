package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// Rows with few weights that are not 0 are summed, the others are multiplied, and both give what the plain loop
// gives; also of close rows, and where a piece has rows of both kinds.
func TestPairGradOfFewWeights(t *testing.T) {
	for _, metric := range []spec.Metric{spec.Euclidean, spec.SquaredEuclidean, spec.Dot} {
		for name, dense := range map[string]func(r int) bool{
			"all few":  func(int) bool { return false },
			"none few": func(int) bool { return true },
			"mixed":    func(r int) bool { return r%3 == 0 },
		} {
			t.Run(string(metric)+", "+name, func(t *testing.T) {
				const n, d = 200, 17
				rng := rand.New(rand.NewPCG(5, 1))
				x := hardRows(rng, n, d)
				g := make([]float32, n*n)
				for r := range n {
					for k := range n / 20 {
						g[r*n+(r+3*k)%n] = float32(rng.NormFloat64())
					}
					if dense(r) {
						copy(g[r*n:(r+1)*n], normals(rng, n))
					}
				}
				// What is dense in a row must not be so in all columns.
				for r := range n {
					for j := range n {
						if dense(r) && !dense(j) && (r+j)%9 != 0 {
							g[r*n+j] = 0
						}
					}
				}
				s := matrixGrad(spec.Distance{Metric: metric, N: n, M: n, D: d, Self: true})
				dist := make([]float32, n*n)
				run(t, s.Distance, dist, x)
				loops.SetThreads(1)
				defer loops.SetThreads(0)
				task := newPullTask(s)
				got, want := make([]float32, n*d), make([]float64, n*d)
				task.run(got, [][]float32{x, dist, g})
				last := 0
				for r := n / gradientRows * gradientRows; r < n; r++ {
					if dense(r) {
						last++
					}
				}
				require.Len(t, task.scratch[0].dense, last, "rows multiplied of the last piece")
				dist64 := make([]float64, n*n)
				distances[float64](s.Distance)(dist64, [][]float64{doubles(x)})
				if metric == spec.Dot {
					selfProducts[float64](s.Distance)(dist64, [][]float64{doubles(x)})
				}
				summedPairGrad[float64](s)(want, [][]float64{doubles(x), dist64, doubles(g)})
				size := 0.0
				for _, v := range want {
					size = max(size, math.Abs(v))
				}
				for i, v := range want {
					require.InDelta(t, v, got[i], 1e-5*size, "row %d", i/d)
				}
			})
		}
	}
}

// The gradients of sums of powers are those of the plain loop, where the largest exponents of all rows are near
// each other and one power a pair does, and where they are not.
func TestPairGradOfLevelSums(t *testing.T) {
	for name, c := range map[string]struct {
		spread float32
		level  bool
	}{"level": {1, true}, "a little apart": {9, true}, "far apart": {60, false}} {
		t.Run(name, func(t *testing.T) {
			const n, d = 130, 9
			rng := rand.New(rand.NewPCG(5, 2))
			x, labels, dy := normals(rng, n*d), make([]float32, n), normals(rng, n)
			for i := range labels {
				labels[i] = float32(i % 4)
			}
			labels[7] = 99 // a row without a positive
			for i := range x {
				x[i] *= 0.3
				if i%d == 0 {
					x[i] = 0
				}
			}
			for r := range n / 2 { // pairs of the first half have large products
				x[r*d] = float32(math.Sqrt(float64(c.spread)))
			}
			for _, pairs := range []spec.Pairs{spec.Positive, spec.Negative} {
				reduce := spec.RowReduce{Op: spec.RowLogSumExp, Rows: n, Cols: n, K: 1, Mask: spec.Mask{Pairs: pairs}}
				s := spec.PairGrad{Distance: spec.Distance{Metric: spec.Dot, N: n, M: n, D: d, Self: true}, Parts: []spec.Part{{Kind: spec.ReducePart, Reduce: spec.RowReduceGrad(reduce)}}}
				dist := make([]float32, n*n)
				run(t, s.Distance, dist, x)
				y := run(t, reduce, make([]float32, n), dist, labels)
				task := newPullTask(s)
				got := make([]float32, n*d)
				task.run(got, [][]float32{x, dist, labels, y[0], y[1], dy})
				require.Equal(t, c.level, task.parts[0].(*logSumExpPart).level.is)
				dist64, want := make([]float64, n*n), make([]float64, n*d)
				y64 := [][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
				selfProducts[float64](s.Distance)(dist64, [][]float64{doubles(x)})
				rowReduce[float64](reduce)(y64, [][]float64{dist64, doubles(labels)})
				summedPairGrad[float64](s)(want, [][]float64{doubles(x), dist64, doubles(labels), y64[1], y64[2], doubles(dy)})
				size := 0.0
				for _, v := range want {
					size = max(size, math.Abs(v))
				}
				for i, v := range want {
					require.InDelta(t, v, got[i], 2e-5*size, "%s, row %d", pairs, i/d)
				}
			}
		})
	}
}
