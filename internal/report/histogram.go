package report

import (
	"math"
)

const (
	histogramRows = 2000 // pictures whose pairs are measured
	histogramBins = 60
)

// measureDistances makes a histogram of the Euclidean distances between the pairs of
// rows among the finite ones of x (N, E). Counts become shares of the pairs of each kind.
func measureDistances(title string, x []float32, dim int, labels []int) (Distances, bool) {
	rows := sampleEvenly(finiteRows(x, dim), labels, histogramRows)
	var positive, negative []float64
	for a, i := range rows {
		for _, j := range rows[a+1:] {
			d := distance(x[i*dim:(i+1)*dim], x[j*dim:(j+1)*dim])
			if labels[i] < 0 && labels[j] < 0 {
				continue // nobody knows whether they are of one class
			}
			if labels[i] == labels[j] {
				positive = append(positive, d)
			} else {
				negative = append(negative, d)
			}
		}
	}
	top := 0.0
	for _, list := range [][]float64{positive, negative} {
		for _, d := range list {
			top = max(top, d)
		}
	}
	if top == 0 || math.IsInf(top, 1) {
		return Distances{}, false
	}
	h := Distances{Name: title, Positive: binned(positive, top), Negative: binned(negative, top)}
	for b := range histogramBins + 1 {
		h.Edges = append(h.Edges, top*float64(b)/histogramBins)
	}
	return h, true
}

func binned(distances []float64, top float64) []float64 {
	bins := make([]float64, histogramBins)
	for _, d := range distances {
		bins[min(int(d/top*histogramBins), histogramBins-1)] += 1 / float64(len(distances))
	}
	return bins
}

func distance(a, b []float32) float64 {
	sum := 0.0
	for k, v := range a {
		d := float64(v) - float64(b[k])
		sum += d * d
	}
	return math.Sqrt(sum)
}

// finiteRows lists the rows of x (N, E) without NaN and Inf.
func finiteRows(x []float32, dim int) []int {
	var rows []int
rows:
	for i := range len(x) / max(dim, 1) {
		for _, v := range x[i*dim : (i+1)*dim] {
			if !finite(float64(v)) {
				continue rows
			}
		}
		rows = append(rows, i)
	}
	return rows
}

// separation is the chance that a random pair of one class lies nearer than a random
// pair of two, equal bins counting half: 0.5 for no order, 1 for a perfect one. It is
// NaN without pairs of both kinds.
func (h Distances) separation() float64 {
	positive, negative := sum(h.Positive), sum(h.Negative)
	if positive == 0 || negative == 0 {
		return math.NaN()
	}
	area, below := 0.0, 0.0
	for b, n := range h.Negative {
		p := h.Positive[b] / positive
		area += n / negative * (below + p/2)
		below += p
	}
	return area
}

func sum(v []float64) float64 {
	total := 0.0
	for _, x := range v {
		total += x
	}
	return total
}
