package miners_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/miners"
	"medusa/pairs"
)

// Points 0 and 1 of one class, 3 and 5 of two others. The triplets (a, p, n), by the columns of
// their rows, have δ = D_an − D_ap: (0, 1, 2) 2, (0, 1, 3) 4, (1, 0, 2) 1, (1, 0, 3) 3. A pair
// counts as often as it is in a triplet.
func TestTripletMargin(t *testing.T) {
	x, y := []float64{0, 1, 3, 5}, []float64{0, 0, 1, 2}
	for _, c := range []struct {
		miner    miners.TripletMargin
		triplets [][3]int
	}{
		{miners.TripletMargin{Type: miners.All, Margin: 2}, [][3]int{{0, 1, 2}, {1, 0, 2}}},
		{miners.TripletMargin{Type: miners.Hard, Margin: 2}, nil},
		{miners.TripletMargin{Type: miners.SemiHard, Margin: 1.5}, [][3]int{{1, 0, 2}}},
		{miners.TripletMargin{Type: miners.Easy, Margin: 1.5}, [][3]int{{0, 1, 2}, {0, 1, 3}, {1, 0, 3}}},
		{miners.TripletMargin{Type: miners.Easy, Margin: 0}, [][3]int{{0, 1, 2}, {0, 1, 3}, {1, 0, 2}, {1, 0, 3}}},
	} {
		t.Run(fmt.Sprintf("%+v", c.miner), func(t *testing.T) {
			wantPos, wantNeg := make([]float64, 16), make([]float64, 16)
			for _, tr := range c.triplets {
				wantPos[tr[0]*4+tr[1]]++
				wantNeg[tr[0]*4+tr[2]]++
			}
			pos, neg := chosen(t, c.miner, x, y)
			require.Equal(t, wantPos, pos)
			require.Equal(t, wantNeg, neg)
		})
	}
}

func TestTripletMarginRefuses(t *testing.T) {
	for want, m := range map[string]miners.TripletMargin{
		`miners: triplet-margin: unknown type ""`:         {},
		"miners: triplet-margin: the margin is -1":        {Type: miners.Easy, Margin: -1},
		"miners: triplet-margin: the margin is NaN, want": {Type: miners.Easy, Margin: math.NaN()},
	} {
		require.ErrorContains(t, m.Mine(pairs.Batch{}).Pos.Err(), want)
	}
}

func ExampleParse() {
	m, err := miners.Parse("triplet-margin(type=semi-hard, margin=0.3)")
	fmt.Printf("%+v %v\n", m, err)
	_, err = miners.Parse("triplet-margin(type=hardest)")
	fmt.Println(err)
	// Output:
	// {Type:semi-hard Margin:0.3 Metric:<nil>} <nil>
	// miners: triplet-margin: type: "hardest" is not a choice; want all, hard, semi-hard, easy (column 21)
}
