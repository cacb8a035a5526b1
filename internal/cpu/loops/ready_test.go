package loops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// readyShapes are those of the nets, and channels that fill panels of every instruction set.
func readyShapes() map[string]spec.Conv2D {
	shapes := map[string]spec.Conv2D{
		"winograd, one tile": {C: 64, H: 4, W: 4, OutC: 64, KH: 3, KW: 3, PadH: 1, PadW: 1},
		"small, stride 2":    {C: 64, H: 4, W: 4, OutC: 64, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
	}
	for _, s := range convShapes {
		shapes[s.name] = s.Conv2D
	}
	return shapes
}

// readyCase is a convolution with all that is read.
type readyCase[T Float] struct {
	p                 spec.Conv2D
	x, w, scale, bias []T
	ws                Workspace[T]
}

func newReadyCase[T Float](r *rand.Rand, p spec.Conv2D, images int) *readyCase[T] {
	p.N = images
	groups := max(1, p.Groups)
	return &readyCase[T]{p: p, x: randomSlice[T](r, p.N*p.C*p.H*p.W), w: randomSlice[T](r, p.OutC*p.C/groups*p.KH*p.KW),
		scale: randomSlice[T](r, p.OutC), bias: randomSlice[T](r, p.OutC)}
}

func (c *readyCase[T]) run(images int, ready *Ready[T], scale []T) []T {
	p := c.p
	p.N = images
	y := make([]T, p.N*p.OutC*p.OutH()*p.OutW())
	ConvScaled(&p, c.x, c.w, ready, scale, c.bias, y, true, &c.ws)
	return y
}

// A convolution has the same bits with weights that are ready as without, for one picture and for more; and it reads the
// weights once.
func TestReadyConvIsTheConv(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		checkReadyConv[float32](t)
		checkReadyConv[float64](t)
	})
}

func checkReadyConv[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	for name, p := range readyShapes() {
		const most = 5
		c := newReadyCase[T](r, p, most)
		for kind, scale := range map[string][]T{"scaled": c.scale, "plain": nil} {
			var want [most + 1][]T
			for _, n := range []int{1, 2, most} {
				want[n] = c.run(n, nil, scale)
			}
			var ready Ready[T]
			require.Equal(t, want[2], c.run(2, &ready, scale), "%s, %s, the first run", name, kind)
			depthwise := c.p.Depthwise()
			whole := append([]T(nil), c.w...)
			for i := range c.w {
				if !depthwise {
					c.w[i] = T(math.NaN())
				}
			}
			for _, n := range []int{1, 2, most} {
				require.Equal(t, want[n], c.run(n, &ready, scale), "%s, %s, %d pictures", name, kind, n)
			}
			copy(c.w, whole)
		}
	}
}

// Packed weights hold a normalisation's factors: with others they are not taken.
func TestReadyConvOfOtherFactors(t *testing.T) {
	r := rand.New(rand.NewPCG(63, 64))
	c := newReadyCase[float32](r, spec.Conv2D{C: 3, H: 9, W: 9, OutC: 20, KH: 3, KW: 3, PadH: 1, PadW: 1}, 2)
	var ready Ready[float32]
	c.run(2, &ready, c.scale)
	other := randomSlice[float32](r, c.p.OutC)
	require.NotNil(t, ready.product.load())
	require.Equal(t, c.run(2, nil, other), c.run(2, &ready, other))
	require.Equal(t, c.run(2, nil, nil), c.run(2, &ready, nil))
}

// A linear layer has the same bits with weights that are ready, and reads them once.
func TestReadyGemmBiasIsGemmBias(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		checkReadyGemm[float32](t)
		checkReadyGemm[float64](t)
	})
}

func checkReadyGemm[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(67, 68))
	for _, s := range [][2]int{{1, 1}, {64, 96}, {33, 100}, {130, gemmBlockK + 1}, {257, 2*gemmBlockK + 9}} {
		n, k := s[0], s[1]
		a, b, bias := randomSlice[T](r, 20*k), randomSlice[T](r, n*k), randomSlice[T](r, n)
		want := map[int][]T{}
		for _, m := range []int{1, 3, 20} {
			want[m] = make([]T, m*n)
			GemmBias(false, true, m, n, k, a, k, b, k, bias, true, want[m], n)
		}
		var ready Ready[T]
		got := make([]T, 20*n)
		ready.GemmBias(20, n, k, a, k, b, k, bias, true, got, n)
		for i := range b {
			b[i] = T(math.NaN())
		}
		for m, want := range want {
			ready.GemmBias(m, n, k, a, k, b, k, bias, true, got, n)
			require.Equal(t, want, got[:m*n], "%d rows, %v", m, s)
		}
	}
}

// Goroutines share what is ready, also while it is made.
func TestReadyIsShared(t *testing.T) {
	r := rand.New(rand.NewPCG(69, 70))
	for name, p := range readyShapes() {
		t.Run(name, func(t *testing.T) {
			c := newReadyCase[float32](r, p, 1)
			want := c.run(1, nil, c.scale)
			var ready Ready[float32]
			var wg sync.WaitGroup
			for range 4 {
				mine := *c
				mine.ws = Workspace[float32]{}
				wg.Go(func() {
					for range 3 {
						assert.Equal(t, want, mine.run(1, &ready, mine.scale))
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestReadyAllocatesNothing(t *testing.T) {
	withThreads(t, 1)
	r := rand.New(rand.NewPCG(71, 72))
	for name, p := range readyShapes() {
		c := newReadyCase[float32](r, p, 1)
		y := make([]float32, c.p.OutC*c.p.OutH()*c.p.OutW())
		var ready Ready[float32]
		assert.Zero(t, testing.AllocsPerRun(3, func() { ConvScaled(&c.p, c.x, c.w, &ready, c.scale, c.bias, y, false, &c.ws) }), name)
	}
	const n, k = 96, 64
	a, b, y := randomSlice[float32](r, k), randomSlice[float32](r, n*k), make([]float32, n)
	var ready Ready[float32]
	assert.Zero(t, testing.AllocsPerRun(3, func() { ready.GemmBias(1, n, k, a, k, b, k, nil, false, y, n) }))
}

// callsOf has calls of a kernel counted in the body.
func callsOf[A any](t *testing.T, kernel *func(*A), body func()) (calls int) {
	t.Helper()
	if *kernel == nil {
		t.Skip("this instruction set has no such kernel")
	}
	saved := *kernel
	defer func() { *kernel = saved }()
	*kernel = func(args *A) { calls++; saved(args) }
	body()
	return calls
}

// One picture goes by the kernels for one row.
func TestOnePictureTakesKernelsForOneRow(t *testing.T) {
	withThreads(t, 1)
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(73, 74))
		m := &active.f32
		n, k := 2*severalBs*m.cols(), 40
		a, b, y := randomSlice[float32](r, k), randomSlice[float32](r, n*k), make([]float32, n)
		var ready Ready[float32]
		assert.Equal(t, 2, callsOf(t, &m.strip, func() { ready.GemmBias(1, n, k, a, k, b, k, nil, false, y, n) }), "a row times packed panels")
		whole := &m.turned[0][len(m.turned[0])-1]
		assert.Equal(t, n/32, callsOf(t, whole, func() { GemmBias(false, true, 1, n, k, a, k, b, k, nil, false, y, n) }), "a row times what is not packed")
		tile := newReadyCase[float32](r, readyShapes()["winograd, one tile"], 1)
		tile.p.OutC = 2 * m.cols()
		few := windowsAtOnce / (windowTaps * m.cols())
		assert.Equal(t, 2*ceil(tile.p.C, few), callsOf(t, &active.simd.tileProducts, func() { tile.run(1, nil, nil) }), "a tile")
		var windows Ready[float32]
		assert.Equal(t, 2*tileMatrices/severalBs, callsOf(t, &m.each, func() { tile.run(1, &windows, nil) }), "a tile, with windows that are transformed")
	})
}

// Pairs of a tap are multiplied together where they stand in a row.
func TestEvenPairs(t *testing.T) {
	var c smallPlanesConv
	require.True(t, c.worthPlaces(&spec.Conv2D{N: 1, C: 16, H: 2, W: 2, OutC: 16, KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, PadH: 1, PadW: 1, Groups: 1}, true))
	var counts []int
	for pairs := c.pairs; len(pairs) > 0; {
		n := evenPairs(pairs, 6)
		counts, pairs = append(counts, n), pairs[n:]
	}
	require.Equal(t, []int{1, 2, 1, 2, 4, 2, 1, 2, 1}, counts, "corners see one pixel, sides two, the middle four")
	require.Equal(t, 3, evenPairs(c.pairs[6:], 3))
}

// A product of few rows with a matrix that is read where it stands is that of many rows.
func TestFewRowsAreThoseOfMany(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(75, 76))
		for _, n := range []int{1, 7, 8, 24, 61, 64, 139} {
			for _, k := range []int{1, 3, 4, 30, gemmBlockK + 7} {
				const rows, more = 40, 3
				a, b := randomSlice[float32](r, rows*(k+more)), randomSlice[float32](r, n*(k+more))
				bias, all := randomSlice[float32](r, n), make([]float32, rows*n)
				GemmBias(false, true, rows, n, k, a, k+more, b, k+more, bias, true, all, n)
				for m := 1; m <= 9; m++ {
					got := make([]float32, m*(n+more))
					GemmBias(false, true, m, n, k, a, k+more, b, k+more, bias, true, got, n+more)
					for i := range m {
						require.Equal(t, all[i*n:(i+1)*n], got[i*(n+more):i*(n+more)+n], fmt.Sprintf("row %d of %d, %d columns, k %d", i, m, n, k))
						require.Equal(t, make([]float32, more), got[i*(n+more)+n:(i+1)*(n+more)], "behind the row")
					}
				}
			}
		}
	})
}
