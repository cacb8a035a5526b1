package cpu

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

// hardRows are rows that lose digits in a product: equal and nearly equal ones, far from
// the origin, huge, tiny, zero.
func hardRows(rng *rand.Rand, n, d int) []float32 {
	x := make([]float32, n*d)
	scale := math.Pow(10, float64(rng.IntN(25)-12))
	far := 0.0
	if rng.IntN(2) == 0 {
		far = 100 * scale
	}
	for i := range n {
		row := x[i*d : (i+1)*d]
		switch kind := rng.IntN(6); {
		case kind == 0 && i > 0:
			copy(row, x[rng.IntN(i)*d:][:d])
		case kind == 1 && i > 0: // nearly another row
			from := x[rng.IntN(i)*d:][:d]
			small := math.Pow(10, -float64(rng.IntN(8)))
			for k := range row {
				row[k] = from[k] + float32(small*scale*rng.NormFloat64())
			}
		case kind == 2 && rng.IntN(4) == 0:
		case kind == 3 && rng.IntN(4) == 0:
			for k := range row {
				row[k] = float32(1e-30 * rng.NormFloat64())
			}
		default:
			for k := range row {
				row[k] = float32(far + scale*rng.NormFloat64())
			}
		}
	}
	return x
}

func doubles(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// Distances made of products are those of the differences, whatever the rows: the bound
// is that of productDistances with 24 units in the last place for the product.
func TestDistancesByProductAreExact(t *testing.T) {
	const unit = 1. / (1 << 24)
	worst := map[spec.Metric]float64{}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		n, m, d := 1+rng.IntN(40), 1+rng.IntN(40), 8+rng.IntN(100)
		x := hardRows(rng, n, d)
		for metric, bound := range map[spec.Metric]float64{spec.Euclidean: 24 * 8 * unit, spec.SquaredEuclidean: 24 * 16 * unit} {
			for _, self := range []bool{true, false} {
				s := spec.Distance{Metric: metric, N: n, M: m, D: d, Self: self}
				in := [][]float32{x, hardRows(rng, m, d)}
				if self {
					s.M, in = n, in[:1]
				}
				require.True(t, byProduct(s))
				got, want := make([]float32, s.N*s.M), make([]float64, s.N*s.M)
				exact := [][]float64{}
				for _, v := range in {
					exact = append(exact, doubles(v))
				}
				productDistances(s)(got, in)
				distances[float64](s)(want, exact)
				for i, v := range want {
					if err := math.Abs(float64(got[i]) - v); err > 1e-44 {
						worst[metric] = max(worst[metric], err/v)
					}
					require.InDelta(t, v, float64(got[i]), bound*v+1e-44, "seed %d %+v: element %d", seed, s, i)
					if self {
						require.Equal(t, got[i], got[i%n*n+i/n], "symmetric")
					}
				}
			}
		}
	}
	t.Logf("largest relative error: %v", worst)
}

// Rows that are not finite spoil no others.
func TestDistancesOfRowsThatAreNotFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	const n, d = 12, 16
	x := hardRows(rng, n, d)
	x[3*d+5], x[7*d], x[9*d+2], x[10*d+1] = float32(math.NaN()), float32(math.Inf(1)), math.MaxFloat32, -math.MaxFloat32
	s := spec.Distance{Metric: spec.Euclidean, N: n, M: n, D: d, Self: true}
	got, want := make([]float32, n*n), make([]float32, n*n)
	productDistances(s)(got, [][]float32{x})
	distances[float32](s)(want, [][]float32{x})
	for i, v := range want {
		if v != v {
			require.True(t, got[i] != got[i], "element %d is %g, want NaN", i, got[i])
			continue
		}
		if v == got[i] { // +∞ too
			continue
		}
		require.InEpsilon(t, 1+float64(v), 1+float64(got[i]), 1e-5, "element %d", i)
	}
}

// The gradient by products against the loop in float64, relative to the largest
// |gradient| that a single pair could have at that row.
func TestDistanceGradByProduct(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7))
		n, d := 1+rng.IntN(150), 8+rng.IntN(100)
		x := hardRows(rng, n, d)
		for _, metric := range []spec.Metric{spec.Euclidean, spec.SquaredEuclidean} {
			s := matrixGrad(spec.Distance{Metric: metric, N: n, M: n, D: d, Self: true})
			dist := make([]float32, n*n)
			productDistances(s.Distance)(dist, [][]float32{x})
			g := make([]float32, n*n)
			for i := range g {
				if rng.IntN(3) > 0 {
					g[i] = float32(rng.NormFloat64())
				}
			}
			got, want := make([]float32, n*d), make([]float64, n*d)
			productPairGrad(s)(got, [][]float32{x, dist, g})
			summedPairGrad[float64](s)(want, [][]float64{doubles(x), doubles(dist), doubles(g)})
			for i, v := range want {
				r := i / d
				size := 0.0 // Σ over j of |w_ij|·‖x_i − x_j‖
				for j := range n {
					w := math.Abs(float64(g[r*n+j]) + float64(g[j*n+r]))
					if metric == spec.SquaredEuclidean {
						w *= 2 * math.Sqrt(float64(dist[r*n+j]))
					}
					size += w
				}
				require.InDelta(t, v, float64(got[i]), 2e-5*size+1e-30, "seed %d %s: row %d", seed, metric, r)
			}
		}
	}
}

// The number of threads changes no bit.
func TestDistancesDependOnNoThreads(t *testing.T) {
	defer loops.SetThreads(0)
	rng := rand.New(rand.NewPCG(2, 8))
	const n, d = 400, 24
	x, g := hardRows(rng, n, d), hardRows(rng, n, n)
	both := func(threads int) (dist, grad []float32) {
		loops.SetThreads(threads)
		s := spec.Distance{Metric: spec.Euclidean, N: n, M: n, D: d, Self: true}
		dist, grad = make([]float32, n*n), make([]float32, n*d)
		productDistances(s)(dist, [][]float32{x})
		productPairGrad(matrixGrad(s))(grad, [][]float32{x, dist, g})
		return dist, grad
	}
	dist, grad := both(1)
	for _, threads := range []int{2, 3, 7} {
		d, g := both(threads)
		require.Equal(t, dist, d)
		require.Equal(t, grad, g)
	}
}

// matrixGrad is the gradient of distances from one matrix.
func matrixGrad(d spec.Distance) spec.PairGrad {
	return spec.PairGrad{Distance: d, Parts: []spec.Part{{Kind: spec.MatrixPart}}}
}

// Large matrices are made by halves: the same as those of the plain loop, and symmetric.
func TestDistancesByHalves(t *testing.T) {
	for seed, n := range []int{255, 256, 257, 300, 511} {
		rng := rand.New(rand.NewPCG(uint64(seed), 9))
		const d = 8
		x := make([]float32, n*d)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		for _, metric := range []spec.Metric{spec.Euclidean, spec.SquaredEuclidean, spec.Dot} {
			k, err := Device.Kernel(spec.Distance{Metric: metric, N: n, M: n, D: d, Self: true})
			require.NoError(t, err)
			got, exact := make([]float32, n*n), make([]float64, n*n)
			require.NoError(t, k.Run([]device.Memory{{F32: got}}, []device.Memory{{F32: x}}))
			require.NoError(t, k.Run([]device.Memory{{F64: exact}}, []device.Memory{{F64: doubles(x)}}))
			for i, v := range got {
				a, b := x[i/n*d:(i/n+1)*d], x[i%n*d:(i%n+1)*d]
				var dot, square float64
				for k, v := range a {
					dot += float64(v) * float64(b[k])
					square += float64(v-b[k]) * float64(v-b[k])
				}
				want := map[spec.Metric]float64{spec.Euclidean: math.Sqrt(square), spec.SquaredEuclidean: square, spec.Dot: dot}[metric]
				// Asked of millions: an assertion for each would take most of the time of this package.
				near := func(v, rel float64) bool { return math.Abs(v-want) <= rel*(1+math.Abs(want)) }
				if !near(exact[i], 1e-6) || !near(float64(v), 1e-5) || v != got[i%n*n+i/n] {
					t.Fatalf("%s n=%d element %d: %v in float64, %v in float32 and %v across, want %v", metric, n, i, exact[i], v, got[i%n*n+i/n], want)
				}
			}
		}
	}
}

// The gradient from parts is that from their sum, made by the kernels of the parts.
func TestPairGradOfParts(t *testing.T) {
	seeds := uint64(24) // each metric and kind of part several times
	if os.Getenv("MEDUSA_LONG") != "" {
		seeds = 120
	} else {
		t.Log("24 seeds; MEDUSA_LONG=1 go test ./internal/cpu -run PairGradOfParts takes 120")
	}
	for seed := range seeds {
		checkPairGrad(t, seed)
	}
}

func FuzzPairGrad(f *testing.F) {
	f.Add(uint64(121))
	f.Fuzz(func(t *testing.T, seed uint64) { checkPairGrad(t, seed) })
}

func checkPairGrad(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 10))
	n, d := 1+rng.IntN(150), 1+rng.IntN(40)
	metric := []spec.Metric{spec.Euclidean, spec.SquaredEuclidean, spec.Dot, spec.Manhattan}[rng.IntN(4)]
	s := spec.PairGrad{Distance: spec.Distance{Metric: metric, N: n, M: n, D: d, Self: true}}
	x, labels := make([]float32, n*d), make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() / math.Sqrt(float64(d)))
	}
	for i := range labels {
		labels[i] = float32(rng.IntN(1 + n/4))
	}
	dist := make([]float32, n*n)
	run(t, s.Distance, dist, x)
	in, sum := [][]float32{x, dist}, make([]float32, n*n)
	add := func(p spec.Part, what any, own ...[]float32) {
		g := make([]float32, n*n)
		run(t, what, g, append([][]float32{dist}, own...)...)
		loops.Add(sum, sum, g)
		s.Parts, in = append(s.Parts, p), append(in, own...)
	}
	kinds := rng.IntN(4)
	for range 1 + rng.IntN(3) {
		side := []spec.Pairs{spec.Positive, spec.Negative}[rng.IntN(2)]
		kind := kinds
		if kinds == 3 { // all sorts, else of one
			kind = rng.IntN(3)
		}
		switch kind {
		case 0:
			terms := spec.RowTermsGrad{Rows: n, Cols: n, Low: 0, High: []float64{math.NaN(), 0.7}[rng.IntN(2)], Mask: spec.Mask{Pairs: side},
				Hinge: rng.IntN(2) == 0, K: []float64{1, -1}[rng.IntN(2)], C: rng.NormFloat64() / 2}
			add(spec.Part{Kind: spec.TermsPart, Terms: terms}, terms, labels, normals(rng, n))
		case 1, 2:
			reduce := spec.RowReduce{Op: []spec.Reduction{spec.RowMax, spec.RowMin}[rng.IntN(2)], Rows: n, Cols: n, K: 1, Mask: spec.Mask{Pairs: side}}
			if kind == 2 {
				reduce.Op, reduce.K = spec.RowLogSumExp, 8*rng.NormFloat64()/float64(1+slices.Max(dist)) // exponents are rounded
			}
			y := run(t, reduce, make([]float32, n), dist, labels)
			grad := spec.RowReduceGrad(reduce)
			add(spec.Part{Kind: spec.ReducePart, Reduce: grad}, grad, append(append([][]float32{labels}, y...), normals(rng, n))...)
		}
	}
	if kinds == 3 {
		g := normals(rng, n*n)
		loops.Add(sum, sum, g)
		s.Parts, in = append(s.Parts, spec.Part{Kind: spec.MatrixPart}), append(in, g)
	}
	want, exact := make([]float32, n*d), make([]float64, n*d)
	summedPairGrad[float64](matrixGrad(s.Distance))(exact, [][]float64{doubles(x), doubles(dist), doubles(sum)})
	got, double, inDouble := make([]float32, n*d), make([]float64, n*d), []device.Memory{}
	run(t, s, got, in...)
	for _, v := range in {
		inDouble = append(inDouble, device.Memory{F64: doubles(v)})
	}
	k, err := Device.Kernel(s)
	require.NoError(t, err)
	require.NoError(t, k.Run([]device.Memory{{F64: double}}, inDouble))
	summedPairGrad[float32](s)(want, in)
	for i, v := range exact {
		size := 1.0 // as in TestDistanceGradByProduct, for these rows of length about 1
		for j := range n {
			size += math.Abs(float64(sum[i/d*n+j]) + float64(sum[j*n+i/d]))
		}
		require.InDelta(t, v, float64(got[i]), 2e-5*size, "seed %d: %s, row %d", seed, spec.Describe(s), i/d)
		require.InDelta(t, v, float64(want[i]), 2e-5*size, "seed %d: %s, row %d, by the sum", seed, spec.Describe(s), i/d)
		require.InDelta(t, v, double[i], 2e-5*size, "seed %d: %s, row %d, in float64", seed, spec.Describe(s), i/d)
	}
	for _, threads := range []int{1, 3} {
		loops.SetThreads(threads)
		again := make([]float32, n*d)
		run(t, s, again, in...)
		loops.SetThreads(0)
		require.Equal(t, got, again)
	}
}

func normals(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// run runs the CPU's kernel of a spec; it gives the outputs behind the first.
func run(t *testing.T, what any, out []float32, in ...[]float32) (further [][]float32) {
	t.Helper()
	k, err := Device.Kernel(what)
	require.NoError(t, err)
	var args []device.Memory
	for _, v := range in {
		args = append(args, device.Memory{F32: v})
	}
	all := outputs(what, 0, numbers32)
	all[0].F32 = out
	require.NoError(t, k.Run(all, args))
	for _, m := range all[1:] {
		further = append(further, m.F32)
	}
	return further
}

// Distances by products are those of the plain loop, whatever the numbers.
func FuzzDistances(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 0, 64, 205, 204, 204, 61}, uint8(9), uint8(8))
	f.Add([]byte{255, 255, 127, 127, 0, 0, 128, 255, 1, 0, 0, 0, 0, 0, 192, 127}, uint8(20), uint8(11))
	f.Fuzz(func(t *testing.T, data []byte, n, d uint8) {
		if len(data) == 0 {
			return
		}
		s := spec.Distance{Metric: spec.Euclidean, N: 1 + int(n)%40, D: 8 + int(d)%40, Self: true}
		s.M = s.N
		x := make([]float32, s.N*s.D)
		for i := range x {
			var bits uint32
			for k := range 4 {
				bits |= uint32(data[(4*i+k)%len(data)]) << (8 * k)
			}
			x[i] = math.Float32frombits(bits)
		}
		for _, metric := range []spec.Metric{spec.Euclidean, spec.SquaredEuclidean} {
			s.Metric = metric
			got, want := make([]float32, s.N*s.N), make([]float32, s.N*s.N)
			productDistances(s)(got, [][]float32{x})
			distances[float32](s)(want, [][]float32{x})
			for i, v := range want {
				if v == got[i] || v != v && got[i] != got[i] {
					continue
				}
				require.InEpsilon(t, v, got[i], 24*16./(1<<24), "%s: element %d", metric, i)
			}
		}
	})
}
