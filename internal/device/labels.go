package device

import (
	"github.com/pkg/errors"

	"medusa/internal/device/cpu"
)

// Labels passes N labels on that are whole numbers which their type can tell apart, and
// refuses others: from 2²⁴ on two whole numbers may be one float32, from 2⁵³ on one float64.
type Labels struct{ N int }

// LabelBits is how many bits a label may have in float32.
const LabelBits = 24

func (s Labels) cpu() Kernel {
	return checked(checkLabels[float32](1<<LabelBits), checkLabels[float64](1<<53))
}

func checkLabels[T cpu.Float](limit T) func(out []T, in [][]T) error {
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

// Places passes N numbers of columns on, each one of 0 … Cols−1 or −1 for none, and refuses
// others.
type Places struct{ N, Cols int }

func (s Places) cpu() Kernel { return checked(places[float32](s), places[float64](s)) }

func places[T cpu.Float](s Places) func(out []T, in [][]T) error {
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
