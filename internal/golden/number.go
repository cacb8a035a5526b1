package golden

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/pkg/errors"
)

// Number is a float64, written in JSON as a number or as one of the strings "nan",
// "inf" and "-inf".
type Number float64

// UnmarshalJSON reads a number or one of the three strings.
func (n *Number) UnmarshalJSON(b []byte) error {
	s := string(b)
	switch s {
	case `"nan"`, `"inf"`, `"-inf"`:
		s = s[1 : len(s)-1]
	default:
		var check json.Number
		if len(s) == 0 || s[0] == '"' || json.Unmarshal(b, &check) != nil || check == "" {
			return errors.Errorf("golden: %.40s is no number", s)
		}
	}
	x, err := strconv.ParseFloat(s, 64)
	*n = Number(x)
	return errors.Wrap(err, "golden")
}

// Matrix is a row-major matrix. A vector is a matrix of one column.
type Matrix struct {
	Rows, Cols int
	Data       []float64
}

// UnmarshalJSON reads a list of numbers or a list of rows of one length.
func (m *Matrix) UnmarshalJSON(b []byte) error {
	var vector []Number
	if json.Unmarshal(b, &vector) == nil {
		*m = Matrix{Rows: len(vector), Cols: 1, Data: floats(vector)}
		return nil
	}
	var rows [][]Number
	if err := json.Unmarshal(b, &rows); err != nil {
		return errors.Wrap(err, "golden: a matrix")
	}
	*m = Matrix{Rows: len(rows)}
	for i, r := range rows {
		if i == 0 {
			m.Cols = len(r)
		}
		if len(r) != m.Cols {
			return errors.Errorf("golden: row %d of a matrix has %d entries, want %d", i, len(r), m.Cols)
		}
		m.Data = append(m.Data, floats(r)...)
	}
	return nil
}

func floats(ns []Number) []float64 {
	out := make([]float64, len(ns))
	for i, n := range ns {
		out[i] = float64(n)
	}
	return out
}

// leastScale is the size below which a golden number is compared absolutely. Values and
// gradients are sums of terms of order 1 that may cancel: one that is 0 in exact
// arithmetic is some units of rounding in a computer's.
const leastScale = 1e-3

// Near returns an error unless got is within relTol·|want| of want, or, for a want near
// 0, within relTol·10⁻³. NaN equals NaN, and each infinity itself.
func Near(got, want, relTol float64) error { return near(got, want, 0, relTol) }

// near is Near where the tolerance is at least relTol·scale.
func near(got, want, scale, relTol float64) error {
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return nil
	}
	scale = max(math.Abs(want), scale, leastScale)
	if diff := math.Abs(got - want); !(diff <= relTol*scale) || math.IsInf(scale, 0) {
		return errors.Errorf("golden: %.17g, want %.17g: off by %.3g, allowed %.3g", got, want, diff, relTol*scale)
	}
	return nil
}
