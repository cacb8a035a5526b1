package onnxgraph

import (
	"math"

	"github.com/pkg/errors"
)

// stretched is the shape to which two shapes stretch.
func stretched(a, b []int) ([]int, error) {
	rank := max(len(a), len(b))
	a, b = wide(a, rank), wide(b, rank)
	out := make([]int, rank)
	for i := range out {
		switch {
		case a[i] == b[i] || b[i] == 1:
			out[i] = a[i]
		case a[i] == 1:
			out[i] = b[i]
		default:
			return nil, errors.Errorf("shapes %v and %v do not go together", a, b)
		}
	}
	return out, checkSize(out)
}

// places are, of each element of a shape, the place in a tensor of another shape that stretches to it.
func places(from, to []int) []int {
	from = wide(from, len(to))
	out := make([]int, sizeOf(to))
	for i := range out {
		rest, step := i, 1
		for axis := len(to) - 1; axis >= 0; axis-- {
			if from[axis] > 1 {
				out[i] += rest % to[axis] * step
			}
			rest /= to[axis]
			step *= from[axis]
		}
	}
	return out
}

// combined is f of the numbers of two constants, which stretch. Whole numbers stay whole.
func combined(a, b *constant, f func(x, y float64) float64) (*constant, error) {
	shape, err := stretched(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	out := &constant{shape: shape, whole: a.whole && b.whole}
	at, bt := places(a.shape, shape), places(b.shape, shape)
	for i := range at {
		v := f(a.at(at[i]), b.at(bt[i]))
		if out.whole {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, errors.New("a constant is divided by 0")
			}
			out.ints = append(out.ints, integer(v))
		} else {
			out.floats = append(out.floats, v)
		}
	}
	return out, nil
}

// integer is v without its fraction, within what 64 bits hold.
func integer(v float64) int64 {
	switch {
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64:
		return math.MinInt64
	}
	return int64(v)
}

// truth is a condition as a number.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// asTruth makes whole numbers of what a comparison gives.
func asTruth(op operator) operator {
	fold := op.fold
	op.fold = func(c *call) ([]*constant, error) {
		out, err := fold(c)
		if err == nil {
			out[0] = cast(out[0], true)
		}
		return out, err
	}
	return op
}

// cast is a constant as whole numbers, or as floats.
func cast(k *constant, whole bool) *constant {
	if k.whole == whole {
		return k
	}
	out := &constant{shape: k.shape, whole: whole}
	for i := range k.size() {
		if whole {
			out.ints = append(out.ints, integer(k.floats[i]))
		} else {
			out.floats = append(out.floats, float64(k.ints[i]))
		}
	}
	return out
}

// foldMod is the remainder: as C has it (fmod), or as Python does, with the sign of the divisor.
func foldMod(c *call) ([]*constant, error) {
	k, err := combined(c.in[0].fixed, c.in[1].fixed, func(a, b float64) float64 {
		rest := math.Mod(a, b)
		if c.int("fmod", 0) == 0 && rest != 0 && (rest < 0) != (b < 0) {
			rest += b
		}
		return rest
	})
	return []*constant{k}, err
}

func foldCast(c *call) ([]*constant, error) {
	to := c.int("to", 0)
	switch to {
	case 1, 10, 11, 16:
		return []*constant{cast(c.in[0].fixed, false)}, nil
	case 2, 3, 4, 5, 6, 7, 12, 13:
		return []*constant{cast(c.in[0].fixed, true)}, nil
	case 9: // truth values
		return []*constant{cast(mapped(c.in[0].fixed, func(v float64) float64 { return truth(v != 0) }), true)}, nil
	}
	return nil, errors.Errorf("a constant of type %d is not supported", to)
}

func foldShape(c *call) ([]*constant, error) {
	s := c.in[0].shape()
	from, to := c.int("start", 0), c.int("end", len(s))
	bound := func(at int) int {
		if at < 0 {
			at += len(s)
		}
		return min(max(at, 0), len(s))
	}
	from, to = bound(from), bound(to)
	return []*constant{vector(s[from:max(from, to)])}, nil
}

func foldSize(c *call) ([]*constant, error) {
	return []*constant{wholes([]int64{int64(sizeOf(c.in[0].shape()))})}, nil
}

func foldConstantOfShape(c *call) ([]*constant, error) {
	shape, err := c.in[0].fixed.sides()
	if err != nil {
		return nil, err
	}
	if err := checkSize(shape); err != nil {
		return nil, err
	}
	fill := numbers([]float64{0}, 1)
	if attribute(c.node, "value") != nil {
		if fill, err = valueOf(c.node); err != nil {
			return nil, err
		}
	}
	if fill.size() != 1 {
		return nil, errors.Errorf("it fills with %d numbers, want one", fill.size())
	}
	return []*constant{fill.picked(make([]int, sizeOf(shape)), shape...)}, nil
}

func foldRange(c *call) ([]*constant, error) {
	from, to, step := c.in[0].fixed, c.in[1].fixed, c.in[2].fixed
	if from.size() != 1 || to.size() != 1 || step.size() != 1 || step.at(0) == 0 {
		return nil, errors.New("its start, limit and step are one number each, and the step is not 0")
	}
	n := math.Max(0, math.Ceil((to.at(0)-from.at(0))/step.at(0)))
	if !(n <= maxConstant) {
		return nil, errors.Errorf("it has %v numbers", n)
	}
	out := &constant{shape: []int{int(n)}, whole: from.whole}
	for i := range int(n) {
		v := from.at(0) + float64(i)*step.at(0)
		if out.whole {
			out.ints = append(out.ints, integer(v))
		} else {
			out.floats = append(out.floats, v)
		}
	}
	return []*constant{out}, nil
}

// foldWhere chooses among two constants.
func foldWhere(c *call) ([]*constant, error) {
	mask, x, y := c.in[0].fixed, c.in[1].fixed, c.in[2].fixed
	shape, err := stretched(mask.shape, x.shape)
	if err == nil {
		shape, err = stretched(shape, y.shape)
	}
	if err != nil {
		return nil, err
	}
	out := &constant{shape: shape, whole: x.whole && y.whole}
	m, a, b := places(mask.shape, shape), places(x.shape, shape), places(y.shape, shape)
	for i := range m {
		from, at := y, b[i]
		if mask.at(m[i]) != 0 {
			from, at = x, a[i]
		}
		if out.whole {
			out.ints = append(out.ints, from.ints[at])
		} else {
			out.floats = append(out.floats, from.at(at))
		}
	}
	return []*constant{out}, nil
}
