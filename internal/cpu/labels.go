package cpu

import (
	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(func(s spec.Labels) device.Kernel {
		return checked(checkLabels[float32](1<<spec.LabelBits), checkLabels[float64](1<<53))
	})
	registerChecked(places[float32], places[float64])
}

func checkLabels[T loops.Float](limit T) func(out []T, in [][]T) error {
	return func(out []T, in [][]T) error {
		for i, v := range in[0] {
			if !(v > -limit && v < limit) || v != T(int64(v)) {
				return errors.Errorf("label %v at position %d, want a whole number between -%.0f and %.0f; number the classes from 0 on", v, i, limit, limit)
			}
		}
		copy(out, in[0])
		return nil
	}
}

func places[T loops.Float](s spec.Places) func(out []T, in [][]T) error {
	return func(out []T, in [][]T) error {
		for i, v := range in[0] {
			if !(v >= -1 && v < T(s.Cols)) || v != T(int(v)) {
				return errors.Errorf("column %v at position %d, want one of 0 … %d, or -1 for none", v, i, s.Cols-1)
			}
		}
		copy(out, in[0])
		return nil
	}
}
