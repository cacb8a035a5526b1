package index

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"

	"medusa/internal/field"
	"medusa/internal/needs"
	"medusa/metrics"
)

// GroupOptions says which items make a group.
type GroupOptions struct {
	// MaxDistance is how far apart two items may be that are neighbours: 0 for equal ones.
	MaxDistance float64
	// Neighbours is how many an item must have for a group to grow from it; 1 if zero: then whatever is
	// linked by a chain of neighbours is one group. With more of them a few items between two crowds do not join them.
	Neighbours int
	Filter     Filter // which items are looked at
	// Exact compares all items, though there is a graph, and with vectors as they came, if those are kept.
	Exact  bool
	Effort int // of a search over the graph, as of SearchOptions
	// Progress, if not nil, hears how many items were looked at; there may be two rounds.
	Progress func(done, total int)
}

// Group is items that belong together.
type Group struct {
	Members []Member // by rising IDs, at least two
	Least   float64  // the distance of the two nearest of them
}

// Member is an item of a group.
type Member struct {
	ID       uint64
	Nearest  uint64  // the item next to it
	Distance float64 // from that
}

// Groups puts together what lies close together, and leaves out what has no neighbour: the groups of DBSCAN, of
// which an item that is between two groups, and that neither grows from, goes to the nearer one. Groups come by
// Least, then by the lowest ID. Memory grows with the number of items, not of pairs; the time is that of a search
// for all items, and grows by that of all pairs where many of them are neighbours.
//
// M. Ester, H.-P. Kriegel, J. Sander and X. Xu, "A Density-Based Algorithm for Discovering Clusters in Large
// Spatial Databases with Noise", KDD 1996; Neighbours is its MinPts less the item itself.
func (x *Index) Groups(ctx context.Context, o GroupOptions) ([]Group, error) {
	if err := needs.Context("index", ctx); err != nil {
		return nil, err
	}
	switch {
	case math.IsNaN(o.MaxDistance) || o.MaxDistance < 0 && x.options.Distance != metrics.Dot:
		return nil, field.Errorf("index", "GroupOptions", "%s is %v, want 0 or more", field.Name("MaxDistance"), o.MaxDistance)
	case o.Neighbours < 0:
		return nil, field.Errorf("index", "GroupOptions", "%s is %d, want 1 or more", field.Name("Neighbours"), o.Neighbours)
	case o.Effort < 0:
		return nil, field.Errorf("index", "GroupOptions", "%s is %d, want 1 or more", field.Name("Effort"), o.Effort)
	}
	s, err := x.view()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(s)
	g := &grouping{x: x, s: s, GroupOptions: o, rows: s.visible(&o.Filter)}
	return g.run(ctx)
}

// grouping is the work of Groups.
type grouping struct {
	GroupOptions
	x       *Index
	s       *snapshot
	rows    []int32  // that are looked at
	core    []uint64 // a bit for each row of s from which groups grow; nil if that is each with a neighbour
	parent  []int32  // of each row of s, towards the row that stands for its group
	nearest []Hit    // of each row of s; infinitely far where there is none
}

func (g *grouping) run(ctx context.Context) ([]Group, error) {
	g.parent, g.nearest = make([]int32, g.s.rows), make([]Hit, g.s.rows)
	for row := range g.parent {
		g.parent[row], g.nearest[row].Distance = int32(row), math.Inf(1)
	}
	if g.Neighbours > 1 {
		if err := g.findCores(ctx); err != nil {
			return nil, err
		}
	}
	err := g.within(ctx, max(g.Neighbours, 16), func(row int32, near []Hit) {
		g.note(row, near)
		g.join(row, near)
	})
	if err != nil {
		return nil, err
	}
	return g.groups(), nil
}

// findCores marks the rows from which groups grow.
func (g *grouping) findCores(ctx context.Context) error {
	core := make([]uint64, (g.s.rows+63)/64)
	done := 0
	err := g.x.around(ctx, g.s, g.rows, g.search(g.Neighbours), func(row int32, near []Hit) error {
		if len(near) == g.Neighbours && near[len(near)-1].Distance <= g.MaxDistance {
			core[row>>6] |= 1 << (row & 63)
		}
		done++
		g.tell(done)
		return nil
	})
	g.core = core
	return err
}

func (g *grouping) isCore(row int32) bool { return g.core == nil || g.core[row>>6]>>(row&63)&1 != 0 }

// search is for so many neighbours.
func (g *grouping) search(k int) SearchOptions {
	return SearchOptions{K: k, Filter: g.Filter, Exact: g.Exact || g.x.options.KeepFloats, Effort: g.Effort}
}

func (g *grouping) tell(done int) {
	if g.Progress != nil && (done%1000 == 0 || done == len(g.rows)) {
		g.Progress(done, len(g.rows))
	}
}

// within calls visit with each of the rows, in order, and all its neighbours; k is how many are looked for at first.
func (g *grouping) within(ctx context.Context, k int, visit func(row int32, near []Hit)) error {
	done := 0
	return g.x.around(ctx, g.s, g.rows, g.search(k), func(row int32, near []Hit) error {
		for more := k; len(near) == more && near[more-1].Distance <= g.MaxDistance; {
			more *= 8
			err := g.x.around(ctx, g.s, []int32{row}, g.search(more), func(_ int32, all []Hit) error {
				near = all
				return nil
			})
			if err != nil {
				return err
			}
		}
		end, _ := slices.BinarySearchFunc(near, g.MaxDistance, func(h Hit, most float64) int {
			if h.Distance <= most {
				return -1
			}
			return 1
		})
		visit(row, near[:end])
		done++
		g.tell(done)
		return nil
	})
}

// note keeps which row is next to each: over a graph one of two may find the other, and not be found by it.
func (g *grouping) note(row int32, near []Hit) {
	for _, h := range near {
		for _, pair := range [2]struct {
			of   int32
			next Hit
		}{{row, h}, {h.row, Hit{g.s.id(row), h.Distance, row}}} {
			was := &g.nearest[pair.of]
			if pair.next.Distance < was.Distance || pair.next.Distance == was.Distance && pair.next.ID < was.ID {
				*was = pair.next
			}
		}
	}
}

// join puts a row into the group of its neighbours.
func (g *grouping) join(row int32, near []Hit) {
	for _, h := range near {
		if !g.isCore(h.row) {
			continue
		}
		a, b := g.leader(row), g.leader(h.row)
		g.parent[max(a, b)] = min(a, b)
		if !g.isCore(row) {
			return // to the nearest group alone
		}
	}
}

// leader is the row that stands for the group of a row.
func (g *grouping) leader(row int32) int32 {
	for g.parent[row] != row {
		g.parent[row] = g.parent[g.parent[row]]
		row = g.parent[row]
	}
	return row
}

// groups is what was joined.
func (g *grouping) groups() []Group {
	number, out := map[int32]int{}, []Group{}
	size := map[int32]int{}
	for _, row := range g.rows {
		size[g.leader(row)]++
	}
	for _, row := range g.rows {
		leader, near := g.leader(row), g.nearest[row]
		if size[leader] < 2 {
			continue
		}
		at, known := number[leader]
		if !known {
			at = len(out)
			number[leader], out = at, append(out, Group{Least: near.Distance})
		}
		out[at].Members = append(out[at].Members, Member{g.s.id(row), near.ID, near.Distance})
		out[at].Least = min(out[at].Least, near.Distance)
	}
	slices.SortStableFunc(out, func(a, b Group) int { return cmp.Compare(a.Least, b.Least) })
	return out
}
