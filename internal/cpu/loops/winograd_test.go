package loops

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const rootHalf, rootTwo = math.Sqrt2 / 2, math.Sqrt2

// Winograd's matrices for the points 0, ±√½, ±√2 and infinity.
var (
	tileBT = [][]float64{
		{1, 0, -2.5, 0, 1, 0},
		{0, -rootTwo, -2, rootHalf, 1, 0},
		{0, rootTwo, -2, -rootHalf, 1, 0},
		{0, -rootHalf, -0.5, rootTwo, 1, 0},
		{0, rootHalf, -0.5, -rootTwo, 1, 0},
		{0, 1, 0, -2.5, 0, 1},
	}
	tileG = [][]float64{
		{1, 0, 0},
		{-2. / 3, -rootTwo / 3, -1. / 3},
		{-2. / 3, rootTwo / 3, -1. / 3},
		{1. / 6, rootTwo / 6, 1. / 3},
		{1. / 6, -rootTwo / 6, 1. / 3},
		{0, 0, 1},
	}
	tileAT = [][]float64{
		{1, 1, 1, 1, 1, 0},
		{0, rootHalf, -rootHalf, rootTwo, -rootTwo, 0},
		{0, 0.5, 0.5, 2, 2, 0},
		{0, rootHalf / 2, -rootHalf / 2, 2 * rootTwo, -2 * rootTwo, 1},
	}
)

func transposed(m [][]float64) [][]float64 {
	t := make([][]float64, len(m[0]))
	for i := range t {
		for j := range m {
			t[i] = append(t[i], m[j][i])
		}
	}
	return t
}

// bothAxes is m·x·mᵀ of a square x.
func bothAxes(m [][]float64, x []float64) (y []float64) {
	n := len(m[0])
	for _, p := range m {
		for _, q := range m {
			var sum float64
			for i := range n {
				for j := range n {
					sum += p[i] * x[i*n+j] * q[j]
				}
			}
			y = append(y, sum)
		}
	}
	return y
}

// The matrices make the convolution: Aᵀ((G g Gᵀ) ⊙ (Bᵀ d B))A.
func TestWinogradMatrices(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	d, g := randomSlice[float64](r, 36), randomSlice[float64](r, 9)
	m, u := bothAxes(tileBT, d), bothAxes(tileG, g)
	for i := range m {
		m[i] *= u[i]
	}
	for i, got := range bothAxes(tileAT, m) {
		var want float64
		for k := range 9 {
			want += g[k] * d[(i/4+k/3)*6+i%4+k%3]
		}
		assert.InDelta(t, want, got, 1e-12)
	}
}

func TestTileTransforms(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		if active.simd.tileInput == nil {
			t.Skip("this instruction set has no Winograd transforms")
		}
		r := rand.New(rand.NewPCG(63, 64))
		const tiles, channels, pitch = 3, 32, 48
		for _, k := range []struct {
			name       string
			f          func(*tileArgs)
			matrix     [][]float64
			fromPixels bool
		}{
			{"input", active.simd.tileInput, tileBT, true},
			{"output", active.simd.tileOutput, tileAT, false},
			{"gradient", active.simd.tileGrad, transposed(tileAT), true},
			{"weight", active.simd.tileWeight, transposed(tileG), false},
		} {
			n, out := len(k.matrix[0])*len(k.matrix[0]), len(k.matrix)*len(k.matrix)
			of := n // pixels of a tile
			if !k.fromPixels {
				of = out
			}
			places := r.Perm(tiles * of) // each pixel of each tile somewhere else
			table := make([]int, tiles*of)
			for i, p := range places {
				table[i] = 4 * p * pitch
			}
			pixels, elements := randomSlice[float32](r, tiles*of*pitch), randomSlice[float32](r, tileMatrices*tiles*pitch)
			bias, scale := randomSlice[float32](r, channels), randomSlice[float32](r, channels)
			at := func(tile, e, ch int, inPixels bool) *float32 {
				if inPixels {
					return &pixels[places[tile*of+e]*pitch+ch]
				}
				return &elements[(e*tiles+tile)*pitch+ch]
			}
			var want []float64
			each := func(visit func(tile, ch int)) {
				for tile := range tiles {
					for ch := range channels {
						visit(tile, ch)
					}
				}
			}
			each(func(tile, ch int) {
				x := make([]float64, n)
				for e := range x {
					x[e] = float64(*at(tile, e, ch, k.fromPixels))
				}
				for _, v := range bothAxes(k.matrix, x) {
					if k.name == "output" {
						v = max(v*float64(scale[ch])+float64(bias[ch]), 0)
					}
					want = append(want, v)
				}
			})
			w := new(tileWorker)
			w.args = tileArgs{tableStep: 8 * of, elementStep: 4 * pitch, element: 4 * tiles * pitch,
				bias: unsafe.Pointer(&bias[0]), scale: unsafe.Pointer(&scale[0])}
			w.transform(k.f, pixels, elements, table, tiles, channels)
			i := 0
			each(func(tile, ch int) {
				for e := range out {
					require.InDelta(t, want[i], float64(*at(tile, e, ch, !k.fromPixels)), 1e-4, "%s: element %d", k.name, e)
					i++
				}
			})
		}
	})
}

// Every count of rows and columns is turned, and nothing else is written.
func TestTurn(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(65, 66))
		for range 200 {
			channels, pixels := 1+r.IntN(40), 1+r.IntN(40)
			src := randomSlice[float32](r, channels*pixels)
			pitch := oddLines(channels)
			dst := make([]float32, (1+pixels)*pitch)
			turnPlanes(dst, pitch, src, channels, pixels)
			for c := range channels {
				require.Zero(t, dst[c])
				for p := range pixels {
					require.Equal(t, src[c*pixels+p], dst[(1+p)*pitch+c])
				}
			}
			back := make([]float32, len(src)+8)
			turnPixels(back, pixels, dst[pitch:], pitch, channels)
			require.Equal(t, src, back[:len(src)])
			require.Equal(t, make([]float32, 8), back[len(src):], "behind the end")
		}
	})
}
