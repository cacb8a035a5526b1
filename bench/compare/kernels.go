package main

import (
	"context"

	"medusa/internal/cpu/loops"
	"medusa/metrics"
)

// measurePeak measures the most that the processor can do: fused multiply-adds in
// registers alone, on every thread.
func measurePeak(j job) (measured, error) {
	const rounds, pieces = 1 << 14, 64
	m, err := measure(j.Seconds, func() error {
		loops.Parallel(pieces, 1, func(lo, hi int) {
			for range hi - lo {
				loops.Peak(rounds)
			}
		})
		return nil
	})
	m.Rate = pieces * loops.Peak(rounds) / m.Seconds / 1e9
	m.Way, _ = loops.Instructions()
	return m, err
}

// measureGemm times C ← A·B of square matrices.
func measureGemm(j job) (measured, error) {
	n := j.Size
	a, b, c := noise(n*n, 1), noise(n*n, 2), make([]float32, n*n)
	m, err := measure(j.Seconds, func() error {
		loops.Gemm(false, false, n, n, n, 1, a, n, b, n, 0, c, n)
		return nil
	})
	m.Value = float64(c[0])
	return m, err
}

// recallClasses is the number of classes of the embeddings that are searched.
const recallClasses = 10

// measureRecall times Recall@1 of queries in a gallery of others.
func measureRecall(j job) (measured, error) {
	query, gallery := set(j.Batch, j.Size, 1), set(j.Rows, j.Size, 2)
	var value float64
	m, err := measure(j.Seconds, func() error {
		r, err := metrics.Recall(context.Background(), query, &gallery, []int{1}, metrics.SearchOptions{})
		if err == nil {
			value = r.Recall[0]
		}
		return err
	})
	m.Value = value
	return m, err
}

func set(n, d int, seed uint32) metrics.Set {
	s := metrics.Set{Embeddings: unitRows(n, d, seed), Dim: d, Labels: make([]int, n)}
	for i := range s.Labels {
		s.Labels[i] = i % recallClasses
	}
	return s
}
