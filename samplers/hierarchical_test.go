package samplers

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// products are labels and super-classes: classes 10·s + 0 … of super-class s, with sizes as given.
func products(sizes ...[]int) (labels, supers []int) {
	for s, classes := range sizes {
		for c, n := range classes {
			for range n {
				labels, supers = append(labels, 10*s+c), append(supers, s)
			}
		}
	}
	return labels, supers
}

func newHierarchical(t *testing.T, labels, supers []int, h Hierarchy) *Hierarchical {
	t.Helper()
	s, err := NewHierarchical(labels, supers, h)
	require.NoError(t, err)
	return s
}

// Every batch has so many super-classes, classes and pictures; an epoch shows each set of
// super-classes as often as asked for, and no picture of a class much more often than another.
func TestHierarchical(t *testing.T) {
	labels, supers := products([]int{4, 4, 4}, []int{3, 5, 1, 6}, []int{9, 2}, []int{1, 1, 1}, []int{3, 3})
	h := Hierarchy{Supers: 2, Classes: 2, K: 2, Batches: 3, Seed: 4}
	s := newHierarchical(t, labels, supers, h)
	require.Equal(t, []int{3}, s.LeftOut)
	require.Equal(t, 8, s.Batch())
	require.Equal(t, 6*3, s.BatchesPerEpoch(), "6 pairs of 4 super-classes")
	for range 3 {
		sets, shown := map[string]int{}, map[int]int{}
		for range s.BatchesPerEpoch() {
			batch := run(t, s, 1)
			var of []int
			classes := map[int]int{}
			for i, picture := range batch {
				if i%4 == 0 {
					of = append(of, supers[picture])
				}
				require.Equal(t, of[i/4], supers[picture])
				require.Equal(t, labels[batch[i/2*2]], labels[picture])
				classes[labels[picture]]++
				shown[picture]++
			}
			require.Len(t, classes, 4)
			require.Less(t, of[0], of[1])
			sets[fmt.Sprint(of)]++
		}
		require.Equal(t, map[string]int{"[0 1]": 3, "[0 2]": 3, "[0 4]": 3, "[1 2]": 3, "[1 4]": 3, "[2 4]": 3}, sets)
		for i, l := range labels {
			if l == 12 || supers[i] == 3 {
				require.Zero(t, shown[i], "too small")
			} else {
				require.NotZero(t, shown[i], "picture %d of class %d", i, l)
			}
		}
	}
}

// The sets of members by their number are all of them, each once.
func TestMembersOf(t *testing.T) {
	for n := 1; n <= 9; n++ {
		for k := 1; k <= n; k++ {
			seen := map[string]bool{}
			members := make([]int, k)
			for i := range int(choices(n, k)) {
				membersOf(i, n, members)
				for j, m := range members {
					require.Less(t, m, n)
					require.True(t, j == 0 || members[j-1] < m, members)
				}
				seen[fmt.Sprint(members)] = true
			}
			require.Len(t, seen, int(choices(n, k)))
		}
	}
	require.Zero(t, choices(2, 3))
}

func TestHierarchicalRepeatsSmallClasses(t *testing.T) {
	labels, supers := products([]int{1, 2}, []int{5, 1})
	s := newHierarchical(t, labels, supers, Hierarchy{Supers: 2, Classes: 2, K: 3, Batches: 1, Repeat: true})
	shown := map[int]int{}
	for _, picture := range run(t, s, 1) {
		shown[labels[picture]]++
	}
	require.Equal(t, map[int]int{0: 3, 1: 3, 10: 3, 11: 3}, shown)
}

func TestHierarchicalGoesOn(t *testing.T) {
	labels, supers := products([]int{4, 4, 4}, []int{3, 5, 3}, []int{9, 2})
	for broken := range 20 {
		h := Hierarchy{Supers: 2, Classes: 2, K: 2, Batches: 2, Seed: uint64(broken)}
		whole := newHierarchical(t, labels, supers, h)
		run(t, whole, broken)
		state, err := whole.State()
		require.NoError(t, err)
		h.Seed += 100
		on := newHierarchical(t, labels, supers, h)
		run(t, on, 1)
		require.NoError(t, on.Restore(state))
		require.Equal(t, run(t, whole, 17), run(t, on, 17))

		other := newHierarchical(t, labels, supers, Hierarchy{Supers: 3, Classes: 2, K: 2, Batches: 2})
		require.ErrorContains(t, other.Restore(state), "over other labels or with other")
		before, err := other.State()
		require.NoError(t, err)
		require.ErrorContains(t, other.Restore(append(before, 0)), "too many")
		after, err := other.State()
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}

func TestHierarchicalRefuses(t *testing.T) {
	labels, supers := products([]int{4, 4}, []int{3, 1}, []int{2, 2})
	many, all := make([]int, 4000), make([]int, 4000)
	for i := range many {
		many[i], all[i] = i, i
	}
	for want, c := range map[string]struct {
		labels, supers []int
		h              Hierarchy
	}{
		"16 labels and 2 super-classes":                                   {labels, supers[:2], Hierarchy{1, 1, 1, 1, false, 0}},
		"0 super-classes, 1 classes of each":                              {labels, supers, Hierarchy{0, 1, 1, 1, false, 0}},
		"only 2 have as many, and 1 have not: take fewer":                 {labels, supers, Hierarchy{3, 2, 2, 1, false, 0}},
		"class 0 is in the super-classes 0 and 1, want one":               {[]int{0, 0}, []int{0, 1}, Hierarchy{1, 1, 1, 1, false, 0}},
		"4000 super-classes make 1.07e+10 sets of 3, with 1 batches each": {many, all, Hierarchy{3, 1, 1, 1, false, 0}},
		"make a batch above":                                              {labels, supers, Hierarchy{1 << 20, 1 << 20, 2, 1, false, 0}},
	} {
		_, err := NewHierarchical(c.labels, c.supers, c.h)
		require.ErrorContains(t, err, want)
	}
	s := newHierarchical(t, labels, supers, Hierarchy{2, 1, 2, 1, false, 0})
	require.ErrorContains(t, s.Next(make([]int, 3)), "Next got room for 3 indices, a batch has 4")
}
