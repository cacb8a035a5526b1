package onnxgraph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// What gives numbers other places and shapes works on expressions and on constants.

// reshaped is v in another shape.
func reshaped(v value, shape []int) (value, error) {
	if sizeOf(v.shape()) != sizeOf(shape) {
		return v, errors.Errorf("%v cannot have the shape %v", v.shape(), shape)
	}
	if v.fixed != nil {
		return value{fixed: v.fixed.reshaped(shape...)}, nil
	}
	if len(shape) == 0 {
		shape = []int{1}
	}
	e := v.e.Reshape(shape...)
	return value{e: e}, e.Err()
}

// strides are how far the elements of each axis lie apart.
func strides(shape []int) []int {
	out := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		out[i] = step
		step *= shape[i]
	}
	return out
}

// transposed puts axes in another order.
func transposed(v value, perm []int) (value, error) {
	s := v.shape()
	if sorted := slices.Sorted(slices.Values(perm)); len(perm) != len(s) || len(s) > 0 && (sorted[0] != 0 || sorted[len(s)-1] != len(s)-1) || len(slices.Compact(sorted)) != len(s) {
		return v, errors.Errorf("axes of %v cannot be put in the order %v", s, perm)
	}
	if v.fixed == nil {
		e := v.e.Permute(perm...)
		return value{e: e}, e.Err()
	}
	out, step, from := make([]int, len(s)), make([]int, len(s)), strides(s)
	for i, a := range perm {
		out[i], step[i] = s[a], from[a]
	}
	at := make([]int, sizeOf(out))
	for i := range at {
		rest := i
		for axis := len(out) - 1; axis >= 0; axis-- {
			at[i] += rest % out[axis] * step[axis]
			rest /= out[axis]
		}
	}
	return value{fixed: v.fixed.picked(at, out...)}, nil
}

// expanded stretches v to a shape.
func expanded(v value, shape []int) (value, error) {
	to, err := stretched(v.shape(), shape)
	if err != nil {
		return v, err
	}
	if v.fixed != nil {
		return value{fixed: v.fixed.picked(places(v.fixed.shape, to), to...)}, nil
	}
	e := ranked(v.e, len(to)).BroadcastTo(tensor.Shape(to))
	return value{e: e}, e.Err()
}

// taken is v with the places of an axis that are named, in their order.
func taken(v value, at int, indices []int) (value, error) {
	s := slices.Clone(v.shape())
	n := s[at]
	for i, index := range indices {
		if index < -n || index >= n {
			return v, errors.Errorf("there is no place %d along axis %d of %v", index, at, s)
		}
		if index < 0 {
			indices = slices.Clone(indices)
			indices[i] = index + n
		}
	}
	if len(indices) == 0 {
		s[at] = 0
		return value{fixed: &constant{shape: s, whole: v.fixed != nil && v.fixed.whole}}, nil
	}
	if v.fixed == nil {
		e := takenOf(v.e, at, indices)
		return value{e: e}, e.Err()
	}
	inner := sizeOf(s[at+1:])
	var from []int
	for outer := range sizeOf(s[:at]) {
		for _, index := range indices {
			for i := range inner {
				from = append(from, (outer*n+index)*inner+i)
			}
		}
	}
	s[at] = len(indices)
	return value{fixed: v.fixed.picked(from, s...)}, nil
}

// fewRuns is up to how many parts are joined; of more, rows are gathered.
const fewRuns = 8

func takenOf(x graph.Expr, at int, indices []int) graph.Expr {
	var runs [][2]int // from, to
	for _, i := range indices {
		if k := len(runs) - 1; k >= 0 && runs[k][1] == i {
			runs[k][1]++
		} else {
			runs = append(runs, [2]int{i, i + 1})
		}
	}
	if len(runs) > fewRuns {
		return gathered(x, at, indices)
	}
	parts := make([]graph.Expr, len(runs))
	for i, r := range runs {
		parts[i] = x.Slice(at, r[0], r[1])
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concat(at, parts...)
}

// gathered is takenOf by rows of a matrix.
func gathered(x graph.Expr, at int, indices []int) graph.Expr {
	s := x.Shape()
	front, back := []int{at}, make([]int, len(s))
	for i := range s {
		if i != at {
			front = append(front, i)
		}
	}
	rest := make([]int, 0, len(s))
	for i, a := range front {
		back[a] = i
		rest = append(rest, s[a])
	}
	rows := make([]float64, len(indices))
	for i, index := range indices {
		rows[i] = float64(index)
	}
	table := x.Permute(front...).Reshape(s[at], sizeOf(rest[1:]))
	rest[0] = len(indices)
	return graph.Gather(table, x.Values(rows, len(rows))).Reshape(rest...).Permute(back...)
}

// joined joins values along an axis. Empty ones are left out.
func (b *builder) joined(vs []value, at int) (value, error) {
	rank := len(vs[0].shape())
	at, err := axis(at, rank)
	if err != nil {
		return value{}, err
	}
	vs = slices.DeleteFunc(slices.Clone(vs), func(v value) bool { return v.fixed != nil && v.fixed.size() == 0 && len(vs) > 1 })
	fixed := true
	for _, v := range vs {
		if len(v.shape()) != rank {
			return value{}, errors.Errorf("tensors of %d and %d axes cannot be joined", rank, len(v.shape()))
		}
		fixed = fixed && v.fixed != nil
	}
	if fixed {
		return joinedConstants(vs, at)
	}
	parts := make([]graph.Expr, len(vs))
	for i, v := range vs {
		if parts[i] = v.e; v.fixed != nil {
			parts[i] = b.constant(v.fixed, v.fixed.shape)
		}
	}
	if b.before != nil {
		b.stretch(parts, at)
	}
	if len(parts) == 1 {
		return value{e: parts[0]}, nil
	}
	e := graph.Concat(at, parts...)
	return value{e: e}, e.Err()
}

// stretch repeats what is joined to pictures, and is there once as the file is exported for one: a class token.
func (b *builder) stretch(parts []graph.Expr, at int) {
	for i := range parts[0].Shape() {
		n := 1
		for _, p := range parts {
			if i != at && i < len(p.Shape()) {
				n = max(n, p.Shape()[i])
			}
		}
		for k, p := range parts {
			if s := p.Shape(); i != at && i < len(s) && s[i] == 1 && n == b.batch {
				to := s.Clone()
				to[i] = n
				parts[k] = p.BroadcastTo(to)
			}
		}
	}
}

func joinedConstants(vs []value, at int) (value, error) {
	shape := slices.Clone(vs[0].fixed.shape)
	whole := true
	shape[at] = 0
	for _, v := range vs {
		s := v.fixed.shape
		for i := range s {
			if i != at && s[i] != shape[i] {
				return value{}, errors.Errorf("shapes %v and %v cannot be joined along axis %d", vs[0].fixed.shape, s, at)
			}
		}
		shape[at] += s[at]
		whole = whole && v.fixed.whole
	}
	if err := checkSize(shape); err != nil {
		return value{}, err
	}
	out := &constant{shape: shape, whole: whole}
	for outer := range sizeOf(shape[:at]) {
		for _, v := range vs {
			n := sizeOf(v.fixed.shape[at:])
			k := cast(v.fixed, whole)
			if whole {
				out.ints = append(out.ints, k.ints[outer*n:(outer+1)*n]...)
			} else {
				out.floats = append(out.floats, k.floats[outer*n:(outer+1)*n]...)
			}
		}
	}
	return value{fixed: out}, nil
}
