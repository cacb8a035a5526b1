package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMedian(t *testing.T) {
	assert.Equal(t, 2.0, median([]float64{9, 1, 2}))
	assert.Equal(t, 2.5, median([]float64{4, 2, 1, 3}))
	assert.Equal(t, 7.0, median([]float64{7}))
	assert.True(t, math.IsNaN(median(nil)))
	xs := []float64{3, 1, 2}
	median(xs)
	assert.Equal(t, []float64{3, 1, 2}, xs, "the rounds stay in their order")
}

func TestRatiosPairRounds(t *testing.T) {
	// the machine was twice as slow in the second round: no ratio tells
	assert.Equal(t, summary{Median: 3, Low: 3, High: 3}, ratios([]float64{1, 2, 1}, []float64{3, 6, 3}))
	assert.Equal(t, summary{Median: 2, Low: 1, High: 4}, ratios([]float64{1, 1, 1}, []float64{4, 1, 2}))
	assert.Equal(t, summary{Median: 4, Low: 4, High: 4}, ratios([]float64{1, 1}, []float64{4}), "the rival failed in the second round")
	assert.Zero(t, ratios([]float64{1}, nil))
}

func TestSummarise(t *testing.T) {
	assert.Equal(t, summary{Median: 2, Low: 1, High: 9}, summarise([]float64{9, 1, 2}))
	assert.Zero(t, summarise(nil))
}
