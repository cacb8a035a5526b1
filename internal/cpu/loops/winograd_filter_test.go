package loops

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// fused is x·y + z, rounded once.
func fused(x, y, z float32) float32 {
	exact := func(v float32) *big.Float { return new(big.Float).SetPrec(600).SetFloat64(float64(v)) }
	sum := exact(x)
	sum.Mul(sum, exact(y)).Add(sum, exact(z))
	v, _ := sum.Float32()
	return v
}

// filterThree is the windows' transform along an axis, in the operations of the kernels.
func filterThree(g0, g1, g2 float32) [6]float32 {
	pair := func(outer, even, odd float64) (plus, minus float32) {
		e := fused(float32(outer), g2, g0) * float32(even)
		return fused(float32(odd), g1, e), fused(-float32(odd), g1, e)
	}
	a, b := pair(0.5, -2./3, -2./3*rootHalf)
	c, d := pair(2, 1./6, rootTwo/6)
	return [6]float32{g0, a, b, c, d, g2}
}

func filterWindow(g [windowTaps]float32) (out [tileMatrices]float32) {
	var columns [3][6]float32
	for j := range columns {
		columns[j] = filterThree(g[j], g[3+j], g[6+j])
	}
	for i := range 6 {
		row := filterThree(columns[0][i], columns[1][i], columns[2][i])
		copy(out[6*i:], row[:])
	}
	return out
}

// windowsCase is a panel of packed windows, in their order or turned by half.
type windowsCase struct {
	channels, cols int
	windows        []float32
	turned         bool
}

func (c windowsCase) window(channel, col int) (g [windowTaps]float32) {
	for t := range g {
		from := t
		if c.turned {
			from = windowTaps - 1 - t
		}
		g[t] = c.windows[(channel*windowTaps+from)*c.cols+col]
	}
	return g
}

func (c windowsCase) args() tileArgs {
	a := tileArgs{pixels: unsafe.Pointer(&c.windows[0]), tap: 4 * c.cols, pixelStep: 4 * windowTaps * c.cols,
		tiles: c.channels, vectors: c.cols / active.f32.lanes}
	if c.turned {
		a.pixels, a.tap = unsafe.Pointer(&c.windows[(windowTaps-1)*c.cols]), -a.tap
	}
	return a
}

func eachWindowsCase(t *testing.T, body func(t *testing.T, r *rand.Rand, c windowsCase)) {
	withEachInstructionSet(t, func(t *testing.T) {
		if active.simd.tileInput == nil {
			t.Skip("this instruction set has no Winograd transforms")
		}
		r := rand.New(rand.NewPCG(81, 82))
		for _, channels := range []int{1, 2, 5} {
			for _, turned := range []bool{false, true} {
				cols := active.f32.cols()
				body(t, r, windowsCase{channels, cols, randomSlice[float32](r, channels*windowTaps*cols), turned})
			}
		}
	})
}

// The parts of the transform are the whole: to the last bit that of its definition, whose sums the exact transform agrees with.
func TestFilterParts(t *testing.T) {
	eachWindowsCase(t, func(t *testing.T, r *rand.Rand, c windowsCase) {
		matrix := c.channels*c.cols + 16
		got := make([]float32, tileMatrices*matrix)
		for part := range filterParts {
			args := c.args()
			args.elements, args.elementStep, args.element = unsafe.Pointer(&got[part*filterMatrices*matrix]), 4*c.cols, 4*matrix
			active.simd.tileFilter[part](&args)
		}
		for ch := range c.channels {
			for col := range c.cols {
				g := c.window(ch, col)
				want := filterWindow(g)
				var plain []float64
				for _, v := range g {
					plain = append(plain, float64(v))
				}
				for e, exact := range bothAxes(tileG, plain) {
					require.InDelta(t, exact, float64(want[e]), 1e-6)
					require.Equal(t, math.Float32bits(want[e]), math.Float32bits(got[e*matrix+ch*c.cols+col]), "element %d", e)
				}
			}
		}
	})
}

// The products of windows that are transformed in registers go on from what is there, in the order of the channels.
func TestTileProducts(t *testing.T) {
	eachWindowsCase(t, func(t *testing.T, r *rand.Rand, c windowsCase) {
		inputs, got := randomSlice[float32](r, tileMatrices*c.channels), randomSlice[float32](r, tileMatrices*c.cols)
		want := append([]float32(nil), got...)
		for ch := range c.channels {
			for col := range c.cols {
				for e, v := range filterWindow(c.window(ch, col)) {
					at := &want[e*c.cols+col]
					*at = fused(inputs[e*c.channels+ch], v, *at)
				}
			}
		}
		args := c.args()
		args.elements, args.element = unsafe.Pointer(&inputs[0]), 4*c.channels
		args.products, args.product = unsafe.Pointer(&got[0]), 4*c.cols
		active.simd.tileProducts(&args)
		require.Equal(t, want, got)
	})
}

// A picture has the bits of the first of many, by whichever of the ways its windows are transformed.
func TestTransformsOfWindowsAreAlike(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		if active.simd.tileInput == nil {
			t.Skip("this instruction set has no Winograd transforms")
		}
		r := rand.New(rand.NewPCG(83, 84))
		many := tileWindowsCase(r, 50, 40, 4, 60)
		large := tileWindowsCase(r, 130, 130, 4, 60)
		require.Greater(t, tileMatrices*130*130, tileReady)
		sizes := tileWindowsCase(r, 40, 40, 8, 30)
		for name, c := range map[string]*readyCase[float32]{"one tile": many, "one tile, large": large, "four tiles": sizes} {
			all := c.run(c.p.N, nil, c.scale)
			for _, ready := range []*Ready[float32]{nil, new(Ready[float32])} {
				for _, n := range []int{1, 2, 5, c.p.N} {
					got := c.run(n, ready, c.scale)
					require.Equal(t, all[:len(got)], got, "%s, %d pictures, ready %v", name, n, ready != nil)
				}
			}
		}
	})
}

func tileWindowsCase(r *rand.Rand, in, out, side, images int) *readyCase[float32] {
	return newReadyCase[float32](r, spec.Conv2D{C: in, H: side, W: side, OutC: out, KH: 3, KW: 3, PadH: 1, PadW: 1}, images)
}

// Windows of small layers are kept transformed, those of large ones as they are; and a single tile of these is multiplied with
// windows that are transformed in registers.
func TestKeptWindows(t *testing.T) {
	withThreads(t, 1)
	withEachInstructionSet(t, func(t *testing.T) {
		if active.simd.tileInput == nil {
			t.Skip("this instruction set has no Winograd transforms")
		}
		r := rand.New(rand.NewPCG(85, 86))
		const c = 128
		small, large := tileWindowsCase(r, c/2, c/2, 4, 1), tileWindowsCase(r, c, c, 4, 1)
		var one, other Ready[float32]
		products := &active.simd.tileProducts
		assert.Zero(t, callsOf(t, products, func() { small.run(1, &one, nil) }))
		assert.Nil(t, one.windows.load())
		assert.Len(t, *one.transformed.load(), c/2/active.f32.cols()*tileMatrices*oddLines(c/2*active.f32.cols()))
		assert.NotZero(t, callsOf(t, products, func() { large.run(1, &other, nil) }))
		assert.Nil(t, other.transformed.load())
		assert.Len(t, *other.windows.load(), windowTaps*c*c)
		transform := &active.simd.tileFilter[1]
		more := tileWindowsCase(r, c, c, 8, 1)
		panels := c / active.f32.cols()
		assert.Equal(t, panels, callsOf(t, transform, func() { more.run(1, &other, nil) }), "several tiles: a part at a time")
		assert.Zero(t, callsOf(t, transform, func() { small.run(1, &one, nil) }), "small ones are ready")
	})
}
