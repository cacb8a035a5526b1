package golden

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/pkg/errors"
)

// Gradient is a recorded gradient A: in full, or, if it is large, as one row and sums
// that probe all entries.
type Gradient struct {
	Shape  []int
	Full   *Matrix        // nil if the gradient is given by probes
	Rows   map[int]Matrix // some rows, by index
	RowDot []float64      // A·Probe(columns)
	ColDot []float64      // Aᵀ·Probe(rows)
	Fro    float64        // Frobenius norm
	Sum    float64
}

// Probe is the vector by whose products a large matrix is described:
// Probe(n)[j] = ((37j + 11) mod 101)/101 − ½.
func Probe(n int) []float64 {
	p := make([]float64, n)
	for j := range p {
		p[j] = float64((j*37+11)%101)/101 - 0.5
	}
	return p
}

// UnmarshalJSON reads {"shape", "full"}, {"shape", "rows", "row_dot_probe",
// "col_dot_probe", "fro", "sum"} or the bare entries.
func (g *Gradient) UnmarshalJSON(b []byte) error {
	*g = Gradient{}
	if len(b) > 0 && b[0] == '[' {
		var m Matrix
		if err := json.Unmarshal(b, &m); err != nil {
			return err
		}
		g.Shape, g.Full = []int{m.Rows, m.Cols}, &m
		return nil
	}
	var raw struct {
		Shape    []int
		Full     *Matrix
		Rows     map[string]Matrix
		RowDot   []Number `json:"row_dot_probe"`
		ColDot   []Number `json:"col_dot_probe"`
		Fro, Sum *Number
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return errors.Wrap(err, "golden: a gradient")
	}
	g.Shape, g.Full = raw.Shape, raw.Full
	if g.Full != nil {
		return nil
	}
	if len(raw.RowDot) == 0 || len(raw.ColDot) == 0 || raw.Fro == nil || raw.Sum == nil {
		return errors.New("golden: a gradient has neither all entries nor all probes")
	}
	g.RowDot, g.ColDot, g.Fro, g.Sum = floats(raw.RowDot), floats(raw.ColDot), float64(*raw.Fro), float64(*raw.Sum)
	g.Rows = make(map[int]Matrix, len(raw.Rows))
	for k, row := range raw.Rows {
		i, err := strconv.Atoi(k)
		if err != nil || i < 0 || i >= len(g.RowDot) || len(row.Data) != len(g.ColDot) {
			return errors.Errorf("golden: row %q of a gradient of shape %v has %d entries", k, g.Shape, len(row.Data))
		}
		g.Rows[i] = row
	}
	return nil
}

// Check compares got, row-major of shape (rows, cols), with the recorded gradient. Each
// entry may be off by relTol of the largest entry, each probe by relTol of the largest
// probe of its kind, the sum by relTol of the norm: entries of one gradient are sums of
// terms of one size.
func (g *Gradient) Check(got []float64, rows, cols int, relTol float64) error {
	if len(got) != rows*cols {
		return errors.Errorf("golden: %d numbers are no gradient of shape (%d, %d)", len(got), rows, cols)
	}
	if g.Full != nil {
		return errors.WithMessage(g.checkFull(got, rows, cols, relTol), "gradient")
	}
	if want := []int{rows, cols}; !slices.Equal(g.Shape, want) || len(g.RowDot) != rows || len(g.ColDot) != cols {
		return errors.Errorf("golden: gradient of shape %v, recorded %v", want, g.Shape)
	}
	for i, row := range g.Rows {
		if err := Compare(got[i*cols:(i+1)*cols], row.Data, relTol); err != nil {
			return errors.WithMessagef(err, "row %d of the gradient", i)
		}
	}
	return g.checkProbes(got, rows, cols, relTol)
}

func (g *Gradient) checkFull(got []float64, rows, cols int, relTol float64) error {
	w := g.Full
	same := w.Rows == rows && w.Cols == cols || min(rows, cols) == 1 && w.Cols == 1 && w.Rows == len(got)
	if !same {
		return errors.Errorf("golden: shape is (%d, %d), recorded (%d, %d)", rows, cols, w.Rows, w.Cols)
	}
	return Compare(got, w.Data, relTol)
}

func (g *Gradient) checkProbes(got []float64, rows, cols int, relTol float64) error {
	rowDot, colDot := make([]float64, rows), make([]float64, cols)
	pr, pc := Probe(rows), Probe(cols)
	var sum, squares float64
	for i := range rows {
		for j := range cols {
			v := got[i*cols+j]
			rowDot[i] += v * pc[j]
			colDot[j] += v * pr[i]
			sum += v
			squares += v * v
		}
	}
	if err := Compare(rowDot, g.RowDot, relTol); err != nil {
		return errors.WithMessage(err, "gradient times probe")
	}
	if err := Compare(colDot, g.ColDot, relTol); err != nil {
		return errors.WithMessage(err, "transposed gradient times probe")
	}
	if err := near(math.Sqrt(squares), g.Fro, 0, relTol); err != nil {
		return errors.WithMessage(err, "norm of the gradient")
	}
	return errors.WithMessage(near(sum, g.Sum, g.Fro, relTol), "sum of the gradient")
}

// Compare returns an error that names the first entry of got that is off from want's by
// more than relTol of want's largest entry.
func Compare(got, want []float64, relTol float64) error {
	if len(got) != len(want) {
		return errors.Errorf("golden: %d numbers, recorded %d", len(got), len(want))
	}
	var largest float64
	for _, w := range want {
		if a := math.Abs(w); !math.IsInf(a, 0) && !math.IsNaN(a) {
			largest = max(largest, a)
		}
	}
	for i, w := range want {
		if err := near(got[i], w, largest, relTol); err != nil {
			return errors.WithMessagef(err, "entry %d", i)
		}
	}
	return nil
}
