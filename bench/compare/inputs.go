package main

import "math"

// noise is n numbers on [-1, 1) that depend on their index and the seed alone, so that
// the Python side makes the same ones: the last step of MurmurHash3 over the index.
func noise(n int, seed uint32) []float32 {
	out := make([]float32, n)
	for i := range out {
		h := uint32(i) + seed*0x9E3779B9
		h = (h ^ h>>16) * 0x85EBCA6B
		h = (h ^ h>>13) * 0xC2B2AE35
		h ^= h >> 16
		out[i] = float32(h>>8)/(1<<23) - 1
	}
	return out
}

// unitRows is noise (n, d) whose rows have length 1.
func unitRows(n, d int, seed uint32) []float32 {
	out := noise(n*d, seed)
	for i := 0; i < len(out); i += d {
		sum := 0.0
		for _, v := range out[i : i+d] {
			sum += float64(v) * float64(v)
		}
		for j := i; j < i+d; j++ {
			out[j] = float32(float64(out[j]) / math.Sqrt(sum))
		}
	}
	return out
}

// grouped is the labels of n rows, each row after row of the same class.
func grouped(n, perClass int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(i / perClass)
	}
	return out
}
