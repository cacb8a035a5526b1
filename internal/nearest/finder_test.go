package nearest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
)

// brute is the k nearest rows by a plain loop in float64 and a sort.
func brute(d Distance, dim int, query, rows []float32, k int, id func(int32) uint64, leave func(int) bool) []Ranked {
	var all []Ranked
	length := func(r []float32) float64 { return math.Sqrt(Dot(r, r)) }
	for i := range len(rows) / dim {
		if row := rows[i*dim : (i+1)*dim]; !leave(i) {
			all = append(all, Ranked{d.Key(query, row, length(query), length(row)), int32(i)})
		}
	}
	slices.SortFunc(all, func(a, b Ranked) int {
		if a.Key != b.Key {
			return Compare(a, b)
		}
		return int(id(a.Row)) - int(id(b.Row))
	})
	return all[:min(k, len(all))]
}

// rowsOf makes rows of a kind that a bound may be wrong about.
func rowsOf(rng *rand.Rand, kind, n, dim int) []float32 {
	x := make([]float32, n*dim)
	for i := range n {
		row, size := x[i*dim:(i+1)*dim], 1.0
		switch kind {
		case 1: // lengths of all sizes
			size = math.Exp2(float64(rng.IntN(60) - 30))
		case 2: // beyond what integers are used for
			size = math.Exp2(float64(rng.IntN(200) - 100))
		}
		for j := range row {
			row[j] = float32(size * rng.NormFloat64())
		}
		switch {
		case kind == 3 && i > 0: // hardly apart
			for j := range row {
				row[j] = x[j] * float32(1+1e-6*rng.NormFloat64())
			}
		case kind == 4 && i > 3: // equal
			copy(row, x[i%3*dim:])
		case kind == 5: // one element, and rows of zeros
			clear(row)
			row[rng.IntN(dim)] = float32(rng.IntN(3))
		}
	}
	return x
}

const kinds = 6

func TestFinderFindsWhatBruteForceFinds(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		dim, n, q, k := 1+rng.IntN(200), 1+rng.IntN(700), []int{1, 2, 20, 33, 100}[seed%5], 1+rng.IntN(12)
		d, kind := Distance(seed%3), int(seed/5)%kinds
		gallery, queries := rowsOf(rng, kind, n, dim), rowsOf(rng, kind, q, dim)
		if seed%2 == 0 { // queries that are in the gallery
			copy(queries, gallery[:min(len(gallery), len(queries))])
		}
		id := func(row int32) uint64 { return uint64(row*7919) % 10007 }
		hidden := make([]uint64, n/64+1)
		for i := range n / 3 {
			hidden[i>>3>>6] |= uint64(rng.IntN(2)) << (i >> 3 & 63)
		}
		var own []int32
		if seed%4 == 0 {
			own = make([]int32, q)
			for i := range own {
				own[i] = int32(rng.IntN(n+1)) - 1
			}
		}
		f := NewFinder(d, dim, queries, k, id, own)
		norms := make([]float64, n)
		Norms(norms, gallery, dim)
		for first := 0; first < n; {
			end := min(n, first+64*(1+rng.IntN(4)))
			tile := Tile{Rows: gallery[first*dim : end*dim], Norms: norms[first:end], First: int32(first), Hidden: hidden[first/64:]}
			if rng.IntN(2) == 0 {
				tile.Bytes = PackBytes(d, tile.Rows, tile.Norms, dim)
			}
			if tile.Bytes != nil && f.Takes(tile.Bytes) && rng.IntN(2) == 0 {
				rows := tile.Rows
				tile.Rows, tile.Row = nil, func(i int, scratch *[]float32) []float32 {
					*scratch = append((*scratch)[:0], rows[i*dim:(i+1)*dim]...)
					return *scratch
				}
			}
			if rng.IntN(2) == 0 {
				for i := first; i < end; i++ {
					tile.Numbers = append(tile.Numbers, int32(i))
				}
			}
			f.Show(tile)
			first = end
		}
		for i := range q {
			want := brute(d, dim, queries[i*dim:(i+1)*dim], gallery, k, id, func(row int) bool {
				return hidden[row>>6]>>(row&63)&1 != 0 || own != nil && own[i] == int32(row)
			})
			require.Equal(t, want, append([]Ranked(nil), f.Found(i)...), "seed %d: distance %d, kind %d, query %d of %d, %d rows of %d", seed, d, kind, i, q, n, dim)
		}
	}
}

// Every value must lie within its bound, or a true neighbour would be passed over.
func TestValuesOfIntegersKeepTheirBound(t *testing.T) {
	for seed := range uint64(36) {
		rng := rand.New(rand.NewPCG(seed, 2))
		d, kind := Distance(seed%3), int(seed/3)%kinds
		dim, n, q := 1+rng.IntN(300), 100, 48
		gallery, queries := rowsOf(rng, kind, n, dim), rowsOf(rng, kind, q, dim)
		f := NewFinder(d, dim, queries, 0, nil, nil)
		norms := make([]float64, n)
		Norms(norms, gallery, dim)
		v := view{f: f, t: &Tile{Rows: gallery, Norms: norms}, n: n, largest: slices.Max(norms), least: slices.Min(norms)}
		if !f.shorts.fit(&v) {
			require.True(t, !loops.HasShorts() || kind == 1 || kind == 2 || kind == 5, "kind %d", kind)
			continue
		}
		f.showShorts(&v) // no heap takes anything: the memory then holds the integers
		values := make([]float32, q*112)
		loops.ShortProducts(values, 112, f.alpha()*float32(f.shorts.step*v.step), f.shorts.rows, q, f.shorts.panels, 112, f.shorts.pitch)
		bias := f.bias(&v)
		for i := range q {
			for j := range n {
				key := d.Key(queries[i*dim:(i+1)*dim], gallery[j*dim:(j+1)*dim], f.norms[i], norms[j])
				above, _ := v.bound(i)
				require.LessOrEqual(t, values[i*112+j]+bias[j], Up(key-v.shift(i)+above), "seed %d: distance %d kind %d", seed, d, kind)
			}
		}
	}
}

// So must values of bytes, which lie below the keys, and not too far.
func TestValuesOfBytesKeepTheirBound(t *testing.T) {
	for seed := range uint64(72) {
		rng := rand.New(rand.NewPCG(seed, 4))
		d, kind := Distance(seed%3), int(seed/3)%kinds
		dim, n, q := 1+rng.IntN(300), 1+rng.IntN(100), 20
		gallery, queries := rowsOf(rng, kind, n, dim), rowsOf(rng, kind, q, dim)
		f := NewFinder(d, dim, queries, 0, nil, nil)
		norms := make([]float64, n)
		Norms(norms, gallery, dim)
		b := PackBytes(d, gallery, norms, dim)
		if b == nil || !f.Takes(b) {
			require.True(t, !loops.HasBytes() || kind == 1 || kind == 2, "kind %d", kind)
			continue
		}
		v := view{f: f, t: &Tile{Rows: gallery, Norms: norms, Bytes: b}, n: n, bytes: true}
		f.showBytes(&v) // no heap takes anything: the memory then holds the values
		width := len(b.panel.Scale)
		for i := range q {
			above, below := v.bound(i)
			for j := range n {
				key := d.Key(queries[i*dim:(i+1)*dim], gallery[j*dim:(j+1)*dim], f.norms[i], norms[j]) - v.shift(i)
				value := f.values[i*width+j]
				require.LessOrEqual(t, value, Up(key+above), "seed %d: distance %d kind %d", seed, d, kind)
				require.GreaterOrEqual(t, value, Down(key-below), "seed %d: distance %d kind %d", seed, d, kind)
			}
		}
	}
}

// clustered is rows of length 1 around centres.
func clustered(rng *rand.Rand, centres []float32, n, dim int) []float32 {
	x := make([]float32, n*dim)
	for i := range n {
		c, norm := rng.IntN(len(centres)/dim), 0.0
		for j := range dim {
			x[i*dim+j] = centres[c*dim+j] + float32(rng.NormFloat64())
			norm += float64(x[i*dim+j]) * float64(x[i*dim+j])
		}
		for j := range dim {
			x[i*dim+j] /= float32(math.Sqrt(norm))
		}
	}
	return x
}

// Few rows are compared in float64, by integers and by float32; integers are left where they
// leave too many in doubt.
func TestFinderComparesFewRowsExactly(t *testing.T) {
	const dim, n, q, k = 64, 20480, 64, 10
	rng := rand.New(rand.NewPCG(1, 3))
	centres := rowsOf(rng, 0, 100, dim)
	gallery, queries := clustered(rng, centres, n, dim), clustered(rng, centres, q, dim)
	norms := make([]float64, n)
	for d := range Distance(3) {
		for _, queries := range [][]float32{queries, queries[:20*dim], queries[:dim]} {
			f := NewFinder(d, dim, queries, k, nil, nil)
			Norms(norms, gallery, dim)
			for first := 0; first < n; first += 512 {
				f.Show(Tile{Rows: gallery[first*dim : (first+512)*dim], Norms: norms[first : first+512], First: int32(first)})
			}
			require.Equal(t, loops.HasShorts() && len(f.heaps) >= shortLeast, f.shorts.usable)
			require.False(t, f.coarse)
			compared := float64(f.exact.Load()) / float64(len(f.heaps))
			require.Less(t, compared, 100.0, "distance %d, of %d rows", d, n)
		}
	}
	for d := range Distance(3) {
		f := NewFinder(d, dim, queries[:dim], k, nil, nil)
		Norms(norms, gallery, dim)
		for first := 0; first < n; first += 4096 {
			rows, norms := gallery[first*dim:(first+4096)*dim], norms[first:first+4096]
			f.Show(Tile{Rows: rows, Norms: norms, First: int32(first), Bytes: PackBytes(d, rows, norms, dim)})
		}
		require.Equal(t, loops.HasBytes(), f.bytes != nil)
		require.False(t, f.coarse)
		require.Less(t, f.exact.Load(), int64(400), "distance %d, of %d rows", d, n)
	}
	same := rowsOf(rng, 4, n, dim)
	Norms(norms, same, dim)
	f := NewFinder(Euclidean, dim, queries, k, nil, nil)
	for first := 0; first < n; first += 512 {
		f.Show(Tile{Rows: same[first*dim : (first+512)*dim], Norms: norms[first : first+512], First: int32(first)})
	}
	require.Equal(t, loops.HasShorts(), f.coarse)
}

// BenchmarkFinder is 1000 queries among 20,480 rows of length 1.
func BenchmarkFinder(b *testing.B) {
	const dim, n, q, k = 128, 20480, 1000, 10
	rng := rand.New(rand.NewPCG(1, 3))
	centres := rowsOf(rng, 0, 100, dim)
	gallery, queries := clustered(rng, centres, n, dim), clustered(rng, centres, q, dim)
	norms := make([]float64, n)
	Norms(norms, gallery, dim)
	for b.Loop() {
		f := NewFinder(Euclidean, dim, queries, k, nil, nil)
		for first := 0; first < n; first += 512 {
			f.Show(Tile{Rows: gallery[first*dim : (first+512)*dim], Norms: norms[first : first+512], First: int32(first)})
		}
		b.ReportMetric(float64(f.exact.Load())/q, "exact/query")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*q), "ns/pair")
}
