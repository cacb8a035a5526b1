package miners_test

import (
	"fmt"

	"medusa/miners"
	"medusa/pairs"
)

// Points on a line: 0, 1 and 5 of one class, 2 of another.
var points = miners.Rows{Embeddings: []float64{0, 1, 5, 2}, Labels: []int{0, 0, 0, 1}}

func ExamplePairs() {
	pos, neg, err := miners.Pairs(miners.PairMargin{Pos: 3, Neg: 1.5}, pairs.LP{Raw: true}, points, miners.Rows{})
	fmt.Println(pos, neg, err)
	// Output:
	// [[0 2] [1 2] [2 0] [2 1]] [[1 3] [3 1]] <nil>
}

func ExampleTriplets() {
	// Those whose negative is nearer than the positive.
	triplets, err := miners.Triplets(miners.TripletMargin{Type: miners.Hard}, pairs.LP{Raw: true}, points, miners.Rows{})
	fmt.Println(triplets, err)
	// Output:
	// [[0 2 3] [1 0 3] [1 2 3] [2 0 3] [2 1 3]] <nil>
}

func ExampleSchedule() {
	// All triplets for 500 steps, then semi-hard ones for 1500, then the hardest.
	m := &miners.Schedule{
		Miners: []miners.Miner{nil, miners.TripletMargin{Type: miners.SemiHard, Margin: 0.2}, miners.BatchHard{}},
		Steps:  []int{500, 2000},
	}
	same, err := miners.Parse("schedule(miners=[none, triplet-margin(type=semi-hard), batch-hard], steps=[500, 2000])")
	fmt.Println(fmt.Sprintf("%+v", m) == fmt.Sprintf("%+v", same), err)
	// Output:
	// true <nil>
}
