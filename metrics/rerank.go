package metrics

import (
	"context"
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
)

// ReRanking is re-ranking by k-reciprocal neighbours: a gallery row is the nearer to a query, the more
// the two have each other's neighbours in common. With queries and gallery together as the rows,
// d(i, j) the square of their distance over the largest such square of row i, and N(i, k) the k rows
// nearest to row i besides itself, and itself,
//
//	R(i, k) = { j in N(i, k): i in N(j, k) }
//	R*(i)   = R(i, K1), and R(j, K1/2) of each j in it if more than ⅔ of that are in R(i, K1)
//	V_ij    = e^{−d(i, j)} over its sum for j in R*(i), 0 for all others
//	V'_i    = mean of V_j over row i and the K2 − 1 rows nearest to it
//	J(i, j) = 1 − Σ over k of min(V'_ik, V'_jk) / Σ over k of max(V'_ik, V'_jk)
//
// a ranking is by (1 − Lambda)·J + Lambda·d. K1/2 is rounded, a half to the even number. It needs
// memory for each row of about K1·K2 numbers, and the time of two searches of all rows among all.
//
// Z. Zhong, L. Zheng, D. Cao and S. Li, "Re-ranking Person Re-identification with k-reciprocal
// Encoding", CVPR 2017, eq. 3 to 12; V' with the normalised V that their program has.
type ReRanking struct {
	K1     int     // neighbours whose reciprocity counts
	K2     int     // rows that V is averaged over, the row itself included; 1 for V as it is
	Lambda float64 // share of the distance itself in the ranking, from 0 to 1
}

// DefaultReRanking is what the paper took for Market-1501.
var DefaultReRanking = ReRanking{K1: 20, K2: 6, Lambda: 0.3}

func (r *ReRanking) check(d Distance) error {
	switch {
	case r == nil:
		return nil
	case r.K1 < 1 || r.K2 < 1:
		return errors.Errorf("metrics: re-ranking: K1 is %d, K2 %d; take 1 at least, as DefaultReRanking does", r.K1, r.K2)
	case !(r.Lambda >= 0 && r.Lambda <= 1):
		return errors.Errorf("metrics: re-ranking: Lambda is %v; take a number from 0 to 1", r.Lambda)
	case d == Dot:
		return errors.New("metrics: re-ranking: products are no distances; take Euclidean or Cosine")
	}
	return nil
}

// reranked is the rows of a gallery and of the queries beside it, made ready for re-ranking.
type reranked struct {
	matching
	lambda  float64
	all     *scanner  // gallery rows, then the queries that are none of them
	rows    []int     // of each query its row of all
	largest []float64 // of each row, the square of the distance of the farthest row
	codes   []code    // V' of each row of all
	holders []code    // of each row of all, the gallery rows whose code has it, and with what weight
}

// code is a sparse vector: rows in rising order.
type code struct {
	rows    []int32
	weights []float64
}

// reRank makes the codes of all rows; nil without o.
func (m matching) reRank(ctx context.Context, d Distance, o *ReRanking) (*reranked, error) {
	if o == nil {
		return nil, nil
	}
	r := &reranked{matching: m, lambda: o.Lambda, rows: make([]int, m.query.Len())}
	all := Set{Dim: m.gallery.Dim, Embeddings: m.gallery.Embeddings}
	for i := range r.rows {
		if r.rows[i] = m.ownRow(i); r.rows[i] < 0 {
			r.rows[i] = all.Len()
			all.Embeddings = append(slices.Clip(all.Embeddings), m.query.Row(i)...)
		}
	}
	together := matching{query: all, gallery: all}
	near, err := together.search(ctx, SearchOptions{K: min(max(o.K1+1, o.K2), all.Len()), Distance: d})
	if err != nil {
		return nil, err
	}
	r.all = near.scan
	if r.largest, err = farthest(ctx, newScanner(together, d, searchBlock)); err != nil {
		return nil, err
	}
	r.encode(near.Neighbours, *o)
	return r, nil
}

// square is the square of the distance of rows i and j over the largest of row i: d(i, j).
func (r *reranked) square(i, j int) float64 {
	if r.largest[i] == 0 {
		return 0
	}
	return r.all.squareOf(r.all.key(i, j)) / r.largest[i]
}

// squareOf is the square of the distance that a key stands for.
func (s *scanner) squareOf(key float64) float64 {
	if s.distance == Euclidean {
		return key
	}
	d := s.distance.fromKey(key)
	return d * d
}

// farthest is the square of the distance of the row that is farthest from each.
func farthest(ctx context.Context, s *scanner) ([]float64, error) {
	type most struct {
		key   float64
		limit float32 // a tile value below it belongs to a nearer row
	}
	found, out := make([]most, s.query.Len()), make([]float64, s.query.Len())
	for i := range found {
		found[i] = most{math.Inf(-1), float32(math.Inf(-1))}
	}
	nothing := func(int, int) {}
	err := s.run(ctx, nothing, nothing, func(query, first int, values, bias []float32) {
		m := &found[query]
		for j, v := range values {
			if v+bias[j] < m.limit {
				continue // a NaN goes on to the exact comparison
			}
			if key := s.key(query, first+j); key > m.key {
				m.key = key
				m.limit, _ = s.window(query, key)
			}
		}
	})
	for i, m := range found {
		out[i] = s.squareOf(m.key)
	}
	return out, err
}

// encode makes V', and who has each row in it.
func (r *reranked) encode(near Neighbours, o ReRanking) {
	n := r.all.query.Len()
	first := func(i, k int) []int32 {
		rows, _ := near.Of(i)
		return rows[:min(k, len(rows))]
	}
	reciprocal := func(i, k int, out []int32) []int32 {
		for _, j := range first(i, k+1) {
			if slices.Contains(first(int(j), k+1), int32(i)) {
				out = append(out, j)
			}
		}
		return out
	}
	half := int(math.RoundToEven(float64(o.K1) / 2))
	plain := make([]code, n)
	loops.Parallel(n, 16, func(lo, hi int) {
		var near, more []int32
		for i := lo; i < hi; i++ {
			near = reciprocal(i, o.K1, near[:0])
			rows := slices.Clone(near)
			for _, j := range near {
				more = reciprocal(int(j), half, more[:0])
				shared := 0
				for _, k := range more {
					if slices.Contains(near, k) {
						shared++
					}
				}
				if 3*shared > 2*len(more) {
					rows = append(rows, more...)
				}
			}
			slices.Sort(rows)
			plain[i] = r.weigh(i, slices.Compact(rows))
		}
	})
	r.codes = plain
	if o.K2 > 1 {
		r.codes = make([]code, n)
		loops.Parallel(n, 16, func(lo, hi int) {
			sum := make([]float64, n)
			for i := lo; i < hi; i++ {
				r.codes[i] = mean(plain, first(i, o.K2), sum)
			}
		})
	}
	r.holders = make([]code, n)
	for j := range r.gallery.Len() {
		for k, row := range r.codes[j].rows {
			h := &r.holders[row]
			h.rows, h.weights = append(h.rows, int32(j)), append(h.weights, r.codes[j].weights[k])
		}
	}
}

// weigh is V_i over rows, among which row i is unless K1 equal rows stand before it.
func (r *reranked) weigh(i int, rows []int32) code {
	c := code{rows, make([]float64, len(rows))}
	sum := 0.0
	for k, j := range rows {
		c.weights[k] = math.Exp(-r.square(i, int(j)))
		sum += c.weights[k]
	}
	for k := range rows {
		c.weights[k] /= sum
	}
	return c
}

// mean is the mean of the codes of rows; sum is zeros for each row, before and after.
func mean(codes []code, rows []int32, sum []float64) code {
	var out code
	for _, i := range rows {
		for k, row := range codes[i].rows {
			if sum[row] == 0 {
				out.rows = append(out.rows, row)
			}
			sum[row] += codes[i].weights[k]
		}
	}
	slices.Sort(out.rows)
	out.weights = make([]float64, len(out.rows))
	for k, row := range out.rows {
		out.weights[k], sum[row] = sum[row]/float64(len(rows)), 0
	}
	return out
}

// relatives are the gallery rows that share neighbours with a query, in rising order.
type relatives struct {
	rows  []int32
	final []float64 // their distances
	apart []float64 // what these were if they shared none
}

func (c relatives) place(row int32) (k int, found bool) { return slices.BinarySearch(c.rows, row) }

// relatives of a query; sum is zeros for each gallery row, before and after.
func (r *reranked) relatives(query int, sum []float64) (c relatives) {
	row := r.rows[query]
	for k, other := range r.codes[row].rows {
		w, h := r.codes[row].weights[k], r.holders[other]
		for n, j := range h.rows {
			if sum[j] == 0 {
				c.rows = append(c.rows, j)
			}
			sum[j] += min(w, h.weights[n])
		}
	}
	slices.Sort(c.rows)
	c.final, c.apart = make([]float64, len(c.rows)), make([]float64, len(c.rows))
	for k, j := range c.rows {
		c.apart[k] = r.alone(query, int(j))
		c.final[k], sum[j] = c.apart[k]-(1-r.lambda)*sum[j]/(2-sum[j]), 0
	}
	return c
}

// alone is the distance of a query to a gallery row that shares no neighbour with it.
func (r *reranked) alone(query, row int) float64 {
	if r.lambda == 0 {
		return 1
	}
	return 1 - r.lambda + r.lambda*r.square(r.rows[query], row)
}

// search is the k nearest rows of each query after re-ranking.
func (r *reranked) search(ctx context.Context, k int) (Neighbours, error) {
	k = min(k, r.others())
	n := Neighbours{K: k, Indices: make([]int32, k*r.query.Len()), Distances: make([]float64, k*r.query.Len())}
	const spare = 64 // so many of the nearest rows may share neighbours with a query before all rows are looked at
	near, err := r.matching.search(ctx, SearchOptions{K: k + spare, Distance: r.all.distance})
	if err != nil {
		return n, err
	}
	loops.Parallel(r.query.Len(), 8, func(lo, hi int) {
		sum := make([]float64, r.gallery.Len())
		for i := lo; i < hi && ctx.Err() == nil; i++ {
			rows := r.nearest(i, k, r.relatives(i, sum), near)
			indices, values := n.Of(i)
			for place, row := range rows {
				indices[place], values[place] = row.Row, row.Key
			}
		}
	})
	return n, errors.Wrap(ctx.Err(), "metrics: re-ranking")
}

// nearest merges the rows that share neighbours with a query with those near to it.
func (r *reranked) nearest(query, k int, c relatives, near nearby) []nearest.Ranked {
	own, others := r.ownRow(query), r.gallery.Len()
	if own >= 0 {
		others--
	}
	rows := make([]nearest.Ranked, 0, len(c.rows)+near.K)
	for n, j := range c.rows {
		if int(j) != own {
			rows = append(rows, nearest.Ranked{Key: c.final[n], Row: j})
		}
	}
	add := func(j int32) {
		if _, shares := c.place(j); !shares && int(j) != own {
			rows = append(rows, nearest.Ranked{Key: r.alone(query, int(j)), Row: j})
		}
	}
	of := len(rows)
	list, _ := near.Of(query)
	for _, j := range list {
		add(j)
	}
	slices.SortFunc(rows, nearest.Compare)
	// All other rows are as far as the last of the list or farther.
	if near.K < others && (len(rows) < k || rows[k-1].Key >= r.alone(query, int(list[near.K-1]))) {
		rows = slices.DeleteFunc(rows, func(row nearest.Ranked) bool { _, shares := c.place(row.Row); return !shares })[:of]
		for j := range r.gallery.Len() {
			add(int32(j))
		}
		slices.SortFunc(rows, nearest.Compare)
	}
	return rows[:k]
}

// reorder is how one query's gallery is ordered.
type reorder struct {
	r *reranked
	s *scanner // of queries and gallery
	c relatives
}

// order gives the finders of queries lo to hi their order.
func (r *reranked) order(s *scanner, finders []rankFinder, lo, hi int) {
	loops.Parallel(hi-lo, 8, func(a, b int) {
		sum := make([]float64, r.gallery.Len())
		for i := a; i < b; i++ {
			finders[i].order = &reorder{r, s, r.relatives(lo+i, sum)}
		}
	})
}

// key is that of a row that shares no neighbour with the query.
func (o *reorder) key(query, row int) float64 { return o.r.alone(query, row) }

// final is the key of any row.
func (o *reorder) final(query, row int) float64 {
	if k, shares := o.c.place(int32(row)); shares {
		return o.c.final[k]
	}
	return o.key(query, row)
}

// window is the range of tile values that a row with that key can have.
func (o *reorder) window(query int, key float64) (lo, hi float32) {
	lambda, none, all := o.r.lambda, float32(math.Inf(-1)), float32(math.Inf(1))
	if lambda == 0 || o.r.largest[o.r.rows[query]] == 0 { // every row has the same key
		if key < o.key(query, 0) {
			return none, none
		}
		return none, all
	}
	x, rounding := (key-(1-lambda))/lambda, 0x1p-46/lambda
	if x+rounding < 0 {
		return none, none
	}
	nearer := o.s.keyOf(max(0, x-rounding) * o.r.largest[o.r.rows[query]])
	farther := o.s.keyOf((x + rounding) * o.r.largest[o.r.rows[query]])
	lo, _ = o.s.window(query, nearer)
	if x-rounding <= 0 {
		lo = none
	}
	_, hi = o.s.window(query, farther)
	return lo, hi
}

// keyOf is the key whose square of a distance that is, but for rounding.
func (s *scanner) keyOf(square float64) float64 {
	if s.distance == Euclidean {
		return square
	}
	return s.distance.toKey(math.Sqrt(square))
}

// correct counts the rows that share neighbours with the query where they are, not where they would
// be if they shared none.
func (o *reorder) correct(query int, f *rankFinder) {
	own := o.r.ownRow(query)
	for k, j := range o.c.rows {
		if int(j) != own {
			f.count[f.placeOf(o.c.apart[k])]--
			f.count[f.placeOf(o.c.final[k])]++
		}
	}
}
