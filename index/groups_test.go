package index

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
)

// onLine is an index of points on a line, whose IDs are 10 times their places, from 1.
func onLine(t *testing.T, o Options, points ...float32) *Index {
	t.Helper()
	o.Dim = 1
	x, err := New(o)
	require.NoError(t, err)
	for i, p := range points {
		require.NoError(t, x.Add(ctx, Item{ID: uint64(10 * (i + 1)), Vector: []float32{p}, Label: string(rune('a' + i%2))}))
	}
	return x
}

func TestGroups(t *testing.T) {
	x := onLine(t, Options{}, 0, 5, 1, 2, 5, 9, 9.5, 30)
	got, err := x.Groups(ctx, GroupOptions{MaxDistance: 1})
	require.NoError(t, err)
	require.Equal(t, []Group{
		{Members: []Member{{20, 50, 0}, {50, 20, 0}}},
		{Members: []Member{{60, 70, 0.5}, {70, 60, 0.5}}, Least: 0.5},
		{Members: []Member{{10, 30, 1}, {30, 10, 1}, {40, 30, 1}}, Least: 1},
	}, got)
	got, err = x.Groups(ctx, GroupOptions{})
	require.NoError(t, err)
	require.Equal(t, []Group{{Members: []Member{{20, 50, 0}, {50, 20, 0}}}}, got)
	got, err = x.Groups(ctx, GroupOptions{MaxDistance: 1, Filter: Filter{Labels: []string{"a"}}})
	require.NoError(t, err)
	require.Equal(t, []Group{{Members: []Member{{10, 30, 1}, {30, 10, 1}}, Least: 1}}, got)
	got, err = x.Groups(ctx, GroupOptions{MaxDistance: 1, Neighbours: 2})
	require.NoError(t, err)
	require.Equal(t, []Group{{Members: []Member{{10, 30, 1}, {30, 10, 1}, {40, 30, 1}}, Least: 1}}, got)
}

// One item between two crowds joins them if each neighbour counts, and else goes to the nearer one, or if none
// is, to that of the lower ID.
func TestGroupsByDensity(t *testing.T) {
	for name, c := range map[string]struct {
		between    float32
		neighbours int
		sizes      []int
	}{
		"each counts": {1.125, 1, []int{7}},
		"halfway":     {1.125, 3, []int{4, 3}},
		"one crowd":   {1.25, 3, []int{4}},
		"too many":    {1.125, 4, nil},
	} {
		x := onLine(t, Options{}, 0, 0.125, 0.25, c.between, 2, 2.125, 2.25)
		got, err := x.Groups(ctx, GroupOptions{MaxDistance: 0.9, Neighbours: c.neighbours})
		require.NoError(t, err)
		var sizes []int
		for _, g := range got {
			sizes = append(sizes, len(g.Members))
		}
		require.Equal(t, c.sizes, sizes, name)
	}
}

// groupsOf is Groups as a plain loop over all pairs.
func groupsOf(items []Item, most float64, neighbours int, distance func(a, b []float32) float64) [][]uint64 {
	n := len(items)
	apart := func(i, j int) float64 { return distance(items[i].Vector, items[j].Vector) }
	core, group := make([]bool, n), make([]int, n)
	for i := range n {
		count := 0
		for j := range n {
			if i != j && apart(i, j) <= most {
				count++
			}
		}
		core[i], group[i] = count >= neighbours, -1
	}
	var spread func(i, g int)
	spread = func(i, g int) {
		group[i] = g
		for j := range n {
			if i != j && core[j] && group[j] < 0 && apart(i, j) <= most {
				spread(j, g)
			}
		}
	}
	for i := range n {
		if core[i] && group[i] < 0 {
			spread(i, i)
		}
	}
	for i := range n {
		best := most
		for j := range n {
			if !core[i] && core[j] && (apart(i, j) < best || apart(i, j) == best && group[i] < 0) {
				best, group[i] = apart(i, j), group[j]
			}
		}
	}
	byGroup := map[int][]uint64{}
	for i, g := range group {
		if g >= 0 {
			byGroup[g] = append(byGroup[g], items[i].ID)
		}
	}
	var out [][]uint64
	for _, ids := range byGroup {
		if len(ids) > 1 {
			out = append(out, ids)
		}
	}
	return out
}

// For all storages, more than a block of queries, and groups that are larger than the first search for neighbours.
func TestGroupsAsPlainLoops(t *testing.T) {
	euclidean := func(a, b []float32) float64 {
		sum := 0.0
		for i := range a {
			d := float64(a[i]) - float64(b[i])
			sum += d * d
		}
		return math.Sqrt(sum)
	}
	differ := func(a, b []float32) (n float64) {
		for i := range a {
			if a[i] > 0 != (b[i] > 0) {
				n++
			}
		}
		return n
	}
	for _, o := range []Options{{}, {Storage: Int8}, {Storage: Binary}, {Storage: Binary, KeepFloats: true}} {
		rng := rand.New(rand.NewPCG(7, 7))
		o.Dim = 4
		x, err := New(o)
		require.NoError(t, err)
		for i := range 1050 {
			it := Item{ID: uint64(1050 - i), Vector: make([]float32, 4)}
			for d := range it.Vector {
				it.Vector[d] = float32(rng.IntN(25)) - 12.5
			}
			if i%3 == 0 {
				it.Vector[0] = 50 + it.Vector[0]/30
			}
			require.NoError(t, x.Add(ctx, it))
		}
		require.NoError(t, x.Remove(7, 700))
		var items []Item
		require.NoError(t, x.All(func(it Item) bool { items = append(items, it); return true }))
		slices.SortFunc(items, func(a, b Item) int { return int(a.ID) - int(b.ID) })
		distance, limits := euclidean, []float64{2, 4.5}
		if o.Storage == Binary && !o.KeepFloats {
			distance, limits = differ, []float64{0}
		}
		for _, most := range limits {
			for _, neighbours := range []int{1, 3, 20} {
				got, err := x.Groups(ctx, GroupOptions{MaxDistance: most, Neighbours: neighbours})
				require.NoError(t, err)
				var ids [][]uint64
				for i, g := range got {
					require.True(t, i == 0 || got[i-1].Least <= g.Least)
					var of []uint64
					for _, m := range g.Members {
						of = append(of, m.ID)
					}
					ids = append(ids, of)
				}
				require.ElementsMatch(t, groupsOf(items, most, neighbours, distance), ids, "%v %v %v", o, most, neighbours)
			}
		}
	}
}

func TestGroupsRefuses(t *testing.T) {
	x := onLine(t, Options{}, 0, 1)
	for want, o := range map[string]GroupOptions{
		"MaxDistance is -1, want 0 or more":  {MaxDistance: -1},
		"MaxDistance is NaN, want 0 or more": {MaxDistance: math.NaN()},
		"Neighbours is -1, want 1 or more":   {Neighbours: -1},
		"Effort is -3, want 1 or more":       {Effort: -3},
	} {
		_, err := x.Groups(ctx, o)
		require.ErrorContains(t, err, want)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	_, err := x.Groups(stopped, GroupOptions{})
	require.ErrorIs(t, err, context.Canceled)
	empty, err := New(Options{Dim: 2})
	require.NoError(t, err)
	got, err := empty.Groups(ctx, GroupOptions{MaxDistance: 1})
	require.NoError(t, err)
	require.Empty(t, got)
	products := onLine(t, Options{Distance: metrics.Dot}, 1, 2, -1)
	got, err = products.Groups(ctx, GroupOptions{MaxDistance: -1.5})
	require.NoError(t, err)
	require.Len(t, got, 1)
}

func TestNeighbours(t *testing.T) {
	x := onLine(t, Options{}, 0, 3, 1, 0, 7)
	var told []string
	visit := func(it Item, near []Hit) error {
		line := fmt.Sprint(it.ID, it.Label)
		for _, h := range near {
			line += fmt.Sprintf(" %d:%v", h.ID, h.Distance)
		}
		told = append(told, line)
		return nil
	}
	require.NoError(t, x.Neighbours(ctx, SearchOptions{K: 2}, visit))
	require.Equal(t, []string{"10a 40:0 30:1", "20b 30:2 10:3", "30a 10:1 40:1", "40b 10:0 30:1", "50a 20:4 30:6"}, told)
	told = nil
	require.NoError(t, x.Neighbours(ctx, SearchOptions{Filter: Filter{Labels: []string{"b"}}}, visit))
	require.Equal(t, []string{"20b 40:3", "40b 20:3"}, told)
	enough := fmt.Errorf("enough")
	require.Equal(t, enough, x.Neighbours(ctx, SearchOptions{K: 9}, func(Item, []Hit) error { return enough }))
	require.ErrorContains(t, x.Neighbours(ctx, SearchOptions{K: -1}, visit), "K is -1")
	require.ErrorContains(t, x.Neighbours(ctx, SearchOptions{Rerank: 1}, visit), "Rerank needs vectors as they came")
}
