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
