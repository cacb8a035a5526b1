package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// asked is a test set of two classes, 0 0 0 1 1, with hand-made neighbours.
func asked() Data {
	return Data{
		Labels: []int{0, 0, 0, 1, 1}, Classes: []string{"a", "b"},
		Neighbours: Neighbours{
			Indices: [][]int32{{1, 2, 3}, {3, 0, 2}, {3, 4, 0}, {4, 0, 1}, {2, 3, 0}},
			Distances: [][]float32{
				{.1, .2, .3}, {.4, .5, .6}, {.7, .8, .9}, {.1, .5, .6}, {.2, .3, .9}},
		},
	}
}

func TestAveragePrecisionByHand(t *testing.T) {
	d := asked()
	// Right at ranks (1,2), (2,3), (3), (1), (2) of three, out of 2, 2, 2, 1, 1 that exist.
	want := []float64{1, (1./2 + 2./3) / 2, (1. / 3) / 2, 1, 1. / 2}
	for _, r := range d.answers() {
		assert.InDelta(t, want[r.row], r.ap, 1e-15, "query %d", r.row)
	}
	assert.True(t, math.IsNaN(averagePrecision(d.neighboursOf(0, 3), 0)), "no match exists")
}

func TestExtremes(t *testing.T) {
	rows := func(list []retrieved) (r []int) {
		for _, q := range list {
			r = append(r, q.row)
		}
		return r
	}
	d := asked()
	best, worst := d.extremes()
	assert.Equal(t, []int{2, 4}, rows(worst), "one of each class, worst first")
	assert.Equal(t, []int{0, 3}, rows(best), "0 and 3 are equally good and equally near: by row")

	d.PerQueryAP = []float64{math.NaN(), .3, .2, math.Inf(1), .9}
	best, worst = d.extremes()
	assert.Equal(t, []int{2}, rows(worst))
	assert.Equal(t, []int{4}, rows(best))

	d.PerQueryAP = []float64{1, 1, 1, 1, 1}
	best, worst = d.extremes()
	assert.Equal(t, []int{0, 3, 4, 1, 2}, rows(best), "all of them once, those of another class first")
	assert.Empty(t, worst, "equal ones have no worst")

	one := Data{Labels: []int{0, 0}, PerQueryAP: []float64{.5, math.NaN()}, Neighbours: Neighbours{Indices: [][]int32{{0, 1}, {0}}}}
	best, worst = one.extremes()
	assert.Empty(t, worst)
	assert.Equal(t, []int{0}, rows(best))
	assert.Equal(t, 1, best[0].neighbours[0].row, "a query is not its own neighbour")
}

func TestConfusedByHand(t *testing.T) {
	d := asked()
	assert.Equal(t, []ClassPair{{A: 0, B: 1, Count: 2, Share: 2. / 3}, {A: 1, B: 0, Count: 1, Share: .5}}, d.confused())
	assert.Equal(t, [][2]int{{1, 3}, {2, 3}}, d.mistakes(ClassPair{A: 0, B: 1}))
	given := []ClassPair{{A: 1, B: 0, Count: 9}}
	d.Confused = given
	assert.Equal(t, given, d.confused())
}
