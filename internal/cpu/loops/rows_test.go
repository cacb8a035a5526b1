package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// mask01 marks about a share of n entries.
func mask01(r *rand.Rand, n int, share float64) []float32 {
	m := make([]float32, n)
	for i := range m {
		if r.Float64() < share {
			m[i] = 1
		}
	}
	return m
}

func TestExtreme(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 1))
		for n := range 90 {
			for _, share := range []float64{0, 0.1, 0.7, 1} {
				x, mask := randomSlice[float32](r, n), mask01(r, n, share)
				broken := r.IntN(3) == 0 && n > 0
				if broken {
					i := r.IntN(n)
					x[i] = corners[4+r.IntN(3)] // NaN, +∞, −∞
					broken = mask[i] != 0
				}
				for _, largest := range []bool{true, false} {
					want := math.Inf(1)
					if largest {
						want = math.Inf(-1)
					}
					for i, v := range x {
						if mask[i] != 0 && (largest && float64(v) > want || !largest && float64(v) < want) {
							want = float64(v)
						}
					}
					best, finite := Extreme(x, mask, largest)
					require.Equal(t, !broken, finite)
					if finite {
						require.Equal(t, want, float64(best), "%d entries", n)
					}
				}
			}
		}
	})
}

func TestSpanSum(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 2))
		for n := range 100 {
			if n == 99 {
				n = 5000
			}
			x := randomSlice[float32](r, n)
			for i := range x {
				if r.IntN(9) == 0 {
					x[i] = float32(math.NaN())
				}
			}
			s := Span{float32(r.NormFloat64()), float32(r.NormFloat64() + 1)}
			if n%3 == 0 {
				s.From = float32(math.Inf(-1))
			}
			if n%5 == 0 {
				s.To = float32(math.Inf(1))
			}
			at, margin := float32(r.NormFloat64()), float32(0.2)
			want, size, number := 0.0, 0.0, 0
			for _, v := range x {
				if d := v - at; d >= s.From && d < s.To {
					want += float64(margin) - float64(d)
					size += math.Abs(float64(margin) - float64(d))
					number++
				}
			}
			sum, count := s.Sum(x, at, margin)
			require.Equal(t, number, count)
			require.InDelta(t, want, sum, 1e-5*size)
		}
	})
}

func TestExpWhereAndMarked(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 3))
		for n := range 60 {
			x, mask, got := randomSlice[float32](r, n), mask01(r, n, 0.2), make([]float32, n)
			ExpWhere(got, x, mask, 1.5, 0.7)
			var marked []int32
			for i, v := range x {
				want := 0.0
				if mask[i] != 0 {
					want = math.Exp(float64(float32(1.5*v) - 0.7))
					marked = append(marked, int32(i))
				}
				require.LessOrEqual(t, ulps(want, got[i]), 2.0)
			}
			require.Equal(t, marked, Marked(nil, mask))
		}
	})
}

func TestSkipAbove(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 4))
		for n := range 120 {
			x, y := randomSlice[float32](r, n), randomSlice[float32](r, n)
			if n > 0 && r.IntN(5) == 0 {
				x[r.IntN(n)] = float32(math.NaN())
			}
			limit := float32(-2 + r.NormFloat64())
			first := 0
			for first < n && x[first]+y[first] > limit {
				first++
			}
			got := SkipAbove(x, y, limit)
			require.Equal(t, first, got)
		}
	})
}
