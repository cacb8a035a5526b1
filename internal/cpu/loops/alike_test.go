package loops

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"medusa/internal/spec"
)

// alike are computations by kernels whose Go loops give other bits, with the checksums of their results, recorded with AVX2.
var alike = []struct {
	name    string
	results func(r *rand.Rand) [][]float32
	want    uint64
}{
	{"products", productsOfShapes, 0x764ac05ca0db281c},
	{"products of packed factors", productsOfPacked, 0xd7fe008b771d72dd},
	{"few rows", productsOfFewRows, 0x4e40ccbe24b2c4ee},
	{"convolutions", convolutions, 0xd66e200a23fe7146},
	{"functions", functions, 0xfb39fa1216c96e89},
	{"functions at corners", functionsAtCorners, 0x6540f8a1492b0f17},
}

// NEON's kernels are those of AVX2: a sum has its terms in the same order, and a product with one is fused in the same
// places.
func TestNEONHasTheBitsOfAVX2(t *testing.T) {
	for _, set := range []string{"avx2", "neon"} {
		if !isSupported(set) {
			continue
		}
		for i, c := range alike {
			t.Run(set+"/"+c.name, func(t *testing.T) {
				var got uint64
				forInstructionSet(t, set, func() { got = checksum(c.results(rand.New(rand.NewPCG(uint64(i), 29)))) })
				assert.Equal(t, c.want, got, "%#x", got)
			})
		}
	}
}

func isSupported(name string) bool {
	for i := range instructionSets {
		if s := &instructionSets[i]; s.name == name {
			return s.supported
		}
	}
	return false
}

// checksum is of the bits, but NaN are alike.
func checksum(results [][]float32) uint64 {
	h := fnv.New64a()
	for _, s := range results {
		for _, v := range s {
			bits := math.Float32bits(v)
			if v != v {
				bits = math.Float32bits(float32(math.NaN()))
			}
			h.Write(binary.LittleEndian.AppendUint32(nil, bits))
		}
	}
	return h.Sum64()
}

func productsOfShapes(r *rand.Rand) (results [][]float32) {
	for range 60 {
		m, n, k := 1+r.IntN(30), 1+r.IntN(50), r.IntN(70)
		transA, transB := r.IntN(2) == 0, r.IntN(2) == 0
		lda, ldb := k, n
		if transA {
			lda = m
		}
		if transB {
			ldb = k
		}
		c := randomSlice[float32](r, m*n)
		Gemm(transA, transB, m, n, k, 1.5, randomSlice[float32](r, m*k), lda, randomSlice[float32](r, k*n), ldb, float32(r.IntN(3))/2, c, n)
		y := make([]float32, m*n)
		GemmBias(false, false, m, n, k, randomSlice[float32](r, m*k), k, randomSlice[float32](r, k*n), n, randomSlice[float32](r, n), r.IntN(2) == 0, y, n)
		results = append(results, c, y)
	}
	return results
}

func productsOfPacked(r *rand.Rand) (results [][]float32) {
	var p Packed[float32]
	for range 20 {
		m, n, k := 1+r.IntN(14), 1+r.IntN(150), 1+r.IntN(60)
		p.PackTransposed(k, n, randomSlice[float32](r, k*n), k)
		c := make([]float32, m*n)
		p.Gemm(m, 1, randomSlice[float32](r, m*k), k, 0, c, n)
		results = append(results, c)
	}
	return results
}

func productsOfFewRows(r *rand.Rand) (results [][]float32) {
	for m := 1; m <= 9; m++ {
		for _, n := range []int{7, 8, 33, 70} {
			const k = 39
			y := make([]float32, m*n)
			GemmBias(false, true, m, n, k, randomSlice[float32](r, m*k), k, randomSlice[float32](r, n*k), k, randomSlice[float32](r, n), true, y, n)
			results = append(results, y)
		}
	}
	var out [4]float32
	for n := range 40 {
		rows := [4][]float32{randomSlice[float32](r, n), randomSlice[float32](r, n), randomSlice[float32](r, n), randomSlice[float32](r, n)}
		DotFour(&out, randomSlice[float32](r, n), &rows)
		results = append(results, append([]float32(nil), out[:]...))
	}
	return results
}

func convolutions(r *rand.Rand) (results [][]float32) {
	var ws Workspace[float32]
	shapes := []*spec.Conv2D{
		{N: 2, C: 8, H: 14, W: 14, OutC: 16, KH: 3, KW: 3, PadH: 1, PadW: 1}, // by Winograd's algorithm
		{N: 2, C: 16, H: 7, W: 9, OutC: 24, KH: 3, KW: 3, PadH: 1, PadW: 1},
		{N: 2, C: 3, H: 17, W: 20, OutC: 9, KH: 5, KW: 5, StrideH: 2, StrideW: 2, PadH: 2, PadW: 2},
		{N: 1, C: 12, H: 9, W: 19, OutC: 12, KH: 3, KW: 3, PadH: 1, PadW: 1, Groups: 12}, // depthwise
		{N: 3, C: 24, H: 2, W: 2, OutC: 40, KH: 3, KW: 3, PadH: 1, PadW: 1},
	}
	for range 10 {
		shapes = append(shapes, randomConv(r))
	}
	for _, p := range shapes {
		x := randomSlice[float32](r, p.N*p.C*p.H*p.W)
		w := randomSlice[float32](r, p.OutC*p.C/max(1, p.Groups)*p.KH*p.KW)
		dy := randomSlice[float32](r, p.N*p.OutC*p.OutH()*p.OutW())
		y, dx, dw, db := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w)), make([]float32, p.OutC)
		ConvForward(p, x, w, randomSlice[float32](r, p.OutC), y, true, &ws)
		ConvGradInput(p, dy, w, dx, &ws)
		ConvGradWeight(p, x, dy, dw, db, &ws)
		results = append(results, y, dx, dw, db)
	}
	return results
}

// functions are of numbers of usual sizes, at several lengths.
func functions(r *rand.Rand) (results [][]float32) {
	for n := range 50 {
		results = append(results, functionsOf(randomSlice[float32](r, n), randomSlice[float32](r, n))...)
	}
	return results
}

func functionsAtCorners(r *rand.Rand) [][]float32 {
	return functionsOf(withCorners(r, 300), withCorners(r, 300))
}

func functionsOf(x, dy []float32) (results [][]float32) {
	for _, f := range []func(dst []float32){
		func(dst []float32) { Exp(dst, x) },
		func(dst []float32) { Log(dst, x) },
		func(dst []float32) { Sigmoid(dst, x) },
		func(dst []float32) { Softplus(dst, x) },
		func(dst []float32) { SoftplusGrad(dst, x, dy) },
		func(dst []float32) { Gelu(dst, x) },
		func(dst []float32) { GeluGrad(dst, x, dy) },
		func(dst []float32) { GeluTanh(dst, x) },
		func(dst []float32) { GeluTanhGrad(dst, x, dy) },
		func(dst []float32) { Swish(dst, x, 1.3) },
		func(dst []float32) { SwishGrad(dst, x, dy, 1.3) },
		func(dst []float32) { ExpWhere(dst, x, dy, 2, 0.5) },
	} {
		dst := make([]float32, len(x))
		f(dst)
		results = append(results, dst)
	}
	return results
}
