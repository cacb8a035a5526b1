package cpu

import "math"

// Correction is what Adam and LAMB divide running means by that began at 0.
type Correction struct {
	Mean float64 // 1 − Beta1ᵗ
	Root float64 // √(1 − Beta2ᵗ)
}

// CorrectionAt is that of step t, counted from 1.
func CorrectionAt(beta1, beta2 float64, t int) Correction {
	return Correction{Mean: 1 - math.Pow(beta1, float64(t)), Root: math.Sqrt(1 - math.Pow(beta2, float64(t)))}
}
