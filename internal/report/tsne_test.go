package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r2"

	"medusa/internal/device/cpu"
)

// clusters draws n rows of dimension e around classes centres; row i is of class i%classes.
func clusters(n, e, classes int, noise float64, seed uint64) *mat.Dense {
	r := rand.New(rand.NewPCG(seed, 1))
	centres := mat.NewDense(classes, e, nil)
	for i := range classes * e {
		centres.RawMatrix().Data[i] = r.NormFloat64()
	}
	x := mat.NewDense(n, e, nil)
	for i := range n {
		for j, c := range centres.RawRowView(i % classes) {
			x.Set(i, j, c+noise*r.NormFloat64())
		}
	}
	return x
}

func points2(p [][2]float64) *mat.Dense {
	m := mat.NewDense(len(p), 2, nil)
	for i, v := range p {
		m.SetRow(i, v[:])
	}
	return m
}

func TestTSNEKeepsNeighbours(t *testing.T) {
	const n, classes = 400, 8
	x := clusters(n, 32, classes, 0.3, 1)
	y := tsne(x, 1)
	right, kept := 0, 0
	high, low := nearest(x, 10), nearest(points2(y), 10)
	for i := range n {
		right += b2i(int(low[i][0].to)%classes == i%classes)
		for _, l := range low[i] {
			kept += b2i(slices.ContainsFunc(high[i], func(h link) bool { return h.to == l.to }))
		}
	}
	assert.Equal(t, n, right, "pictures whose nearest on the map is of their class")
	flat := 0
	for i, row := range nearest(points2(principal(x)), 10) {
		for _, l := range row {
			flat += b2i(slices.ContainsFunc(high[i], func(h link) bool { return h.to == l.to }))
		}
	}
	assert.Greater(t, 2*kept, 3*flat, "of ten nearest neighbours, t-SNE keeps half again as many as PCA")
}

func TestTSNEOneResultForAllThreads(t *testing.T) {
	x := clusters(150, 8, 5, 0.5, 2)
	want := tsne(x, 7)
	defer cpu.SetThreads(0)
	for _, threads := range []int{1, 3} {
		cpu.SetThreads(threads)
		require.Equal(t, want, tsne(x, 7), "%d threads", threads)
	}
	assert.NotEqual(t, want, tsne(x, 8), "another seed")
}

func TestTSNECorners(t *testing.T) {
	same := mat.NewDense(50, 3, nil)
	twins := clusters(40, 4, 4, 0, 3) // every row ten times
	for name, x := range map[string]*mat.Dense{
		"one row": mat.NewDense(1, 3, []float64{1, 2, 3}), "two rows": clusters(2, 3, 2, 1, 1), "four rows": clusters(4, 3, 2, 1, 1),
		"five rows": clusters(5, 3, 2, 1, 1), "all equal": same, "twins": twins, "one column": clusters(30, 1, 3, 0.1, 1),
		"a far one": mat.NewDense(6, 1, []float64{0, 0, 0, 0, 1e-9, 1e12}),
	} {
		t.Run(name, func(t *testing.T) {
			n, _ := x.Dims()
			y := tsne(x, 0)
			require.Len(t, y, n)
			for _, p := range y {
				assert.False(t, math.IsNaN(p[0]+p[1]) || math.IsInf(p[0]+p[1], 0), "%v", p)
			}
		})
	}
}

func TestAffinitiesSumToOneAndMeetThePerplexity(t *testing.T) {
	x := clusters(200, 6, 3, 1, 4)
	total := 0.0
	links := affinities(x, 20)
	for i, row := range links {
		for _, l := range row {
			total += l.p
			back, found := slices.BinarySearchFunc(links[l.to], int32(i), func(l link, to int32) int { return int(l.to - to) })
			require.True(t, found)
			require.InDelta(t, l.p, links[l.to][back].p, 1e-15)
		}
	}
	assert.InDelta(t, 1, total, 1e-9)
	row := nearest(x, 60)[0]
	weigh(row, math.Log(20))
	entropy := 0.0
	for _, l := range row {
		entropy -= l.p * math.Log(l.p)
	}
	assert.InDelta(t, 20, math.Exp(entropy), 1e-3)
}

func TestNearestAgainstLoop(t *testing.T) {
	x := clusters(150, 5, 150, 0, 5)
	x.SetRow(77, x.RawRowView(3)) // a tie at distance 0
	for i, row := range nearest(x, 7) {
		var all []link
		for j := range 150 {
			if j == i {
				continue
			}
			d := 0.0
			for c, v := range x.RawRowView(i) {
				d += (v - x.At(j, c)) * (v - x.At(j, c))
			}
			all = append(all, link{int32(j), d})
		}
		slices.SortFunc(all, func(a, b link) int {
			if a.p < b.p {
				return -1
			}
			return 1
		})
		for k, l := range row {
			require.Equal(t, all[k].to, l.to, "row %d", i)
			require.InDelta(t, all[k].p, l.p, 1e-9)
		}
	}
}

// The plain PCA by singular values of all rows agrees where all rows are used.
func TestPrincipalAgainstSVD(t *testing.T) {
	x := clusters(90, 7, 6, 0.4, 6)
	got := points2(principal(x))
	centred := mat.DenseCopyOf(x)
	for j := range 7 {
		mean := mat.Sum(x.ColView(j)) / 90
		for i := range 90 {
			centred.Set(i, j, x.At(i, j)-mean)
		}
	}
	var svd mat.SVD
	require.True(t, svd.Factorize(centred, mat.SVDThin))
	var u mat.Dense
	svd.UTo(&u)
	s := svd.Values(nil)
	for axis := range 2 {
		for i := range 90 {
			require.InDelta(t, math.Abs(u.At(i, axis)*s[axis]), math.Abs(got.At(i, axis)), 1e-9)
		}
	}
}

func BenchmarkTSNE(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		x := clusters(n, 64, 50, 0.7, 1)
		b.Run(map[int]string{1000: "1000x64", 5000: "5000x64"}[n], func(b *testing.B) {
			for b.Loop() {
				tsne(x, 1)
			}
		})
	}
}

// Few points repel each other one by one as they do by a tree that takes no cells together.
func TestTSNERepelsOneByOneAsByATree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	const n = 150
	e := &embedding{points: make([]point, n), force: make([]r2.Vec, n), part: make([]float64, n)}
	for i := range e.points {
		e.points[i] = point{5 * rng.NormFloat64(), rng.NormFloat64()}
	}
	tree, err := e.tree()
	require.NoError(t, err)
	for i := range e.points {
		e.repel(tree, i, 0)
		force, part := e.force[i], e.part[i]
		e.repelOneByOne(i)
		require.InDelta(t, force.X, e.force[i].X, 1e-12)
		require.InDelta(t, force.Y, e.force[i].Y, 1e-12)
		require.InDelta(t, part, e.part[i], 1e-12)
	}
}
