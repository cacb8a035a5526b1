package report

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSampleEvenly(t *testing.T) {
	labels := make([]int, 0, 130)
	for class, size := range []int{100, 3, 20, 7} {
		for range size {
			labels = append(labels, class)
		}
	}
	counts := func(rows []int) (c [4]int) {
		for _, i := range rows {
			c[labels[i]]++
		}
		return c
	}
	all := indices(len(labels))
	for _, row := range []struct {
		limit int
		want  [4]int
	}{
		{200, [4]int{100, 3, 20, 7}}, {130, [4]int{100, 3, 20, 7}}, {40, [4]int{15, 3, 15, 7}}, {41, [4]int{16, 3, 15, 7}},
		{4, [4]int{1, 1, 1, 1}}, {12, [4]int{3, 3, 3, 3}}, {2, [4]int{1, 0, 1, 0}},
	} {
		got := sampleEvenly(all, labels, row.limit)
		assert.Equal(t, row.want, counts(got), "limit %d", row.limit)
		assert.True(t, slices.IsSorted(got))
	}
	assert.Equal(t, []int{0, 25, 50, 75}, spaced(indices(100), 4))
}

func TestSampleEvenlyOfRandomClasses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		labels := make([]int, r.IntN(200))
		for i := range labels {
			labels[i] = r.IntN(1 + r.IntN(40))
		}
		limit := 1 + r.IntN(150)
		got := sampleEvenly(indices(len(labels)), labels, limit)
		require.Len(t, got, min(limit, len(labels)))
		require.Len(t, slices.Compact(slices.Clone(got)), len(got), "a row twice")
	}
}
