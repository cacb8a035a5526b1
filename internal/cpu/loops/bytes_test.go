package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestByteProductsAreProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	withEachInstructionSet(t, func(t *testing.T) {
		for _, s := range [][2]int{{32, 8}, {5, 1}, {96, 17}, {64, 128}, {33, 1000}} {
			count, dim := s[0], s[1]
			pitch, n := ShortPitch(dim), ceil(count, ByteRows)*ByteRows
			x, rows := make([]int16, pitch), make([]int8, count*pitch)
			for j := range dim {
				x[j] = int16(r.IntN(2001) - 1000)
				for i := range count {
					rows[i*pitch+j] = int8(r.IntN(255) - 127)
				}
			}
			p := BytePanel{make([]int8, n*pitch), randomSlice[float32](r, n), randomSlice[float32](r, n), randomSlice[float32](r, n)}
			BytePanels(p.Panels, rows, count, pitch)
			dst := make([]float32, n)
			ByteProducts(dst, x, &p, -2, 0.3)
			for i := range count {
				var sum int32
				for j := range dim {
					sum += int32(x[j]) * int32(rows[i*pitch+j])
				}
				scaled := float32(float32(sum) * p.Scale[i] * -2)
				want := float32(scaled+p.Bias[i]) - float32(0.3*p.Slack[i])
				require.Equal(t, want, dst[i], "%v: row %d", s, i)
			}
			if n > ByteRows {
				part := make([]float32, n-ByteRows)
				ByteProducts(part, x, p.Part(ByteRows, n, pitch), -2, 0.3)
				require.Equal(t, dst[ByteRows:], part)
			}
		}
	})
}

// The longest rows and the largest numbers that a search has: sums stay within 32 bits.
func TestByteProductsOfLongRows(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		const dim = 1 << 14
		x, rows := make([]int16, dim), make([]int8, dim)
		for j := range dim {
			x[j], rows[j] = 256, 127 // of norm 2¹⁵
		}
		p := BytePanel{make([]int8, ByteRows*dim), make([]float32, ByteRows), make([]float32, ByteRows), make([]float32, ByteRows)}
		p.Scale[0] = 1
		BytePanels(p.Panels, rows, 1, dim)
		dst := make([]float32, ByteRows)
		ByteProducts(dst, x, &p, 1, 1)
		require.Equal(t, float32(dim*256*127), dst[0])
	})
}

func TestBytesRound(t *testing.T) {
	dst := []int8{9, 9, 9, 9, 9, 9}
	scale, lost := Bytes(dst, []float32{-254, 254, 1, 4.9})
	require.Equal(t, []int8{-127, 127, 0, 2, 0, 0}, dst)
	require.Equal(t, float32(2), scale)
	require.InDelta(t, math.Sqrt(1+0.9*0.9), lost, 1e-6)
	scale, lost = Bytes(dst, make([]float32, 4))
	require.Equal(t, make([]int8, 6), dst)
	require.Zero(t, scale)
	require.Zero(t, lost)
}

// BenchmarkByteProducts is one query of a search among 4,096 rows.
func BenchmarkByteProducts(b *testing.B) {
	const n, dim = 4096, 128
	p := BytePanel{make([]int8, n*dim), make([]float32, n), make([]float32, n), make([]float32, n)}
	x, dst := make([]int16, dim), make([]float32, n)
	for b.Loop() {
		ByteProducts(dst, x, &p, 1, 1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
}
