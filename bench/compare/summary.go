package main

import (
	"math"
	"slices"
)

// median is the middle of xs, the mean of the two middle ones if their number is even,
// NaN of none.
func median(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// summary is a quantity over the rounds.
type summary struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // least of the rounds
	High   float64 `json:"high"` // greatest of the rounds
}

func summarise(xs []float64) summary {
	if len(xs) == 0 {
		return summary{}
	}
	return summary{Median: median(xs), Low: slices.Min(xs), High: slices.Max(xs)}
}

// ratios is theirs ÷ ours of the rounds, in each of which both sides ran right after one
// another.
func ratios(ours, theirs []float64) summary {
	n := min(len(ours), len(theirs))
	if n == 0 {
		return summary{}
	}
	each := make([]float64, n)
	for i := range each {
		each[i] = theirs[i] / ours[i]
	}
	return summarise(each)
}
