package metrics

import "math"

// gaps finds the place of tile values between rising keys by a table. A value above
// hi[k−1] and below lo[k] surely lies in gap k, behind key k−1 and before key k; one
// within [lo[k], hi[k]] may be on either side of key k, or equal to it.
type gaps struct {
	lo, hi []float32 // windows of the keys, then +Inf
	start  []int32   // bucket → a gap not after that of any value in the bucket
	base   float32   // value v is in bucket ⌊(v − base)·scale⌋, cut to the table
	scale  float32
}

// reserve makes room for the windows of n keys.
func (g *gaps) reserve(n int) {
	g.lo, g.hi = resize(g.lo, n+1), resize(g.hi, n+1)
	g.lo[n], g.hi[n] = float32(math.Inf(1)), float32(math.Inf(1))
}

// fill makes the table, of so many buckets at the most, from the windows.
func (g *gaps) fill(most int) {
	n := len(g.hi) - 1
	buckets := 256
	for buckets < 8*n && buckets < most {
		buckets *= 2
	}
	g.start = resize(g.start, buckets)
	clear(g.start)
	if n == 0 {
		return
	}
	g.base = g.hi[0]
	g.scale = float32(buckets-1) / (g.hi[n-1] - g.hi[0])
	if !(g.scale > 0 && g.scale < math.MaxFloat32) || g.base-g.base != 0 {
		g.base, g.scale = 0, 0 // one bucket
	}
	gap := 0
	for b := range g.start {
		for gap < n && bucket(g.hi[gap], g.base, g.scale, buckets) < b {
			gap++
		}
		g.start[b] = int32(gap)
	}
}

// bucket never falls as v grows, which is all that start relies on.
func bucket(v, base, scale float32, buckets int) int {
	x := (v - base) * scale
	switch last := buckets - 1; {
	case x >= float32(last):
		return last
	case x > 0:
		return int(x)
	}
	return 0 // for NaN too
}

// find is the first gap whose key's window ends at v or above: certain if v is before
// that window. It halves its way through buckets that hold many keys.
func (g *gaps) find(v float32) (gap int, certain bool) {
	b := bucket(v, g.base, g.scale, len(g.start))
	first, last := int(g.start[b]), len(g.hi)-1
	if b+1 < len(g.start) {
		last = int(g.start[b+1])
	}
	for last-first > 8 {
		if mid := (first + last) / 2; g.hi[mid] < v {
			first = mid + 1
		} else {
			last = mid
		}
	}
	for g.hi[first] < v {
		first++
	}
	return first, v < g.lo[first]
}
