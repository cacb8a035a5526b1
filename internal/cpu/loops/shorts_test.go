package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomShorts is rows of which no two have a sum of products beyond 32 bits.
func randomShorts(r *rand.Rand, rows, dim, pitch int) []int16 {
	s := make([]int16, rows*pitch)
	limit := int(32767 / math.Sqrt(float64(dim)))
	for i := range rows {
		for j := range dim {
			s[i*pitch+j] = int16(r.IntN(2*limit+1) - limit)
		}
	}
	return s
}

func TestShortProductsAreProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	withEachInstructionSet(t, func(t *testing.T) {
		for _, s := range [][3]int{{6, 16, 8}, {6, 5, 1}, {12, 33, 17}, {18, 64, 128}, {6, 47, 1000}} {
			m, count, dim := s[0], s[1], s[2]
			pitch, n := ShortPitch(dim), ceil(count, ShortColumns)*ShortColumns
			x, y := randomShorts(r, m, dim, pitch), randomShorts(r, count, dim, pitch)
			panels, c := make([]int16, n*pitch), make([]float32, m*(n+3))
			ShortPanels(panels, y, count, pitch)
			ShortProducts(c, n+3, 0.5, x, m, panels, n, pitch)
			for i := range m {
				for j := range count {
					var sum int64
					for p := range dim {
						sum += int64(x[i*pitch+p]) * int64(y[j*pitch+p])
					}
					require.Equal(t, float32(int32(sum))*0.5, c[i*(n+3)+j], "%v: row %d column %d", s, i, j)
				}
			}
		}
	})
}

// The largest rows allowed: sums of products come to nearly 2³¹.
func TestShortProductsOfLongRows(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		x, y := make([]int16, ShortRows*8), make([]int16, ShortColumns*8)
		for i := range ShortRows {
			x[i*8], x[i*8+1] = 32767, -32767
		}
		for j := range ShortColumns {
			y[j*8], y[j*8+1] = 32767, -32767
		}
		panels, c := make([]int16, len(y)), make([]float32, ShortRows*ShortColumns)
		ShortPanels(panels, y, ShortColumns, 8)
		ShortProducts(c, ShortColumns, -1, x, ShortRows, panels, ShortColumns, 8)
		for _, v := range c {
			require.Equal(t, float32(-2*32767*32767), v)
		}
	})
}

func TestShortenRoundsToEven(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		for n := range 40 {
			src, dst := make([]float32, n), make([]int16, n+5)
			for i := range src {
				src[i] = []float32{0.25, 0.75, -0.25, -0.75, 1.25, 16383.5, -16383.5, 0}[i%8]
			}
			for i := range dst {
				dst[i] = 99
			}
			Shorten(dst, src, 2)
			for i := range src {
				require.Equal(t, []int16{0, 2, 0, -2, 2, 32767, -32767, 0}[i%8], dst[i])
			}
			require.Equal(t, make([]int16, 5), dst[n:])
		}
	})
}

func TestLengthen(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 8, 19, 256} {
			src, dst := make([]int8, n), make([]float32, n+1)
			for i := range src {
				src[i] = int8(i*37 - 128)
			}
			Lengthen(dst, src, 0.3)
			for i, v := range src {
				require.Equal(t, float32(v)*float32(0.3), dst[i])
			}
			require.Zero(t, dst[n])
		}
	})
}

// BenchmarkShortProducts is a tile of a search; GemmOfTheSame is what it replaces.
func BenchmarkShortProducts(b *testing.B) {
	const m, n, dim = 48, 512, 128
	r := rand.New(rand.NewPCG(1, 7))
	x, y, c := randomShorts(r, m, dim, dim), randomShorts(r, n, dim, dim), make([]float32, m*n)
	panels := make([]int16, n*dim)
	ShortPanels(panels, y, n, dim)
	for b.Loop() {
		ShortProducts(c, n, 1, x, m, panels, n, dim)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*m*n), "ns/pair")
}

func BenchmarkShortPanels(b *testing.B) {
	const n, dim = 512, 128
	r := rand.New(rand.NewPCG(1, 7))
	y, shorts, panels := randomSlice[float32](r, n*dim), make([]int16, n*dim), make([]int16, n*dim)
	for b.Loop() {
		for i := range n {
			Shorten(shorts[i*dim:(i+1)*dim], y[i*dim:(i+1)*dim], 1000)
		}
		ShortPanels(panels, shorts, n, dim)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
}
