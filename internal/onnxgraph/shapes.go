package onnxgraph

import (
	"slices"

	"github.com/pkg/errors"
)

// moving is an operator that moves numbers of its first input, an expression or a constant.
func moving(least int, f func(c *call, v value) (value, error)) operator {
	return operator{least: least, build: func(c *call) ([]value, error) {
		v, err := f(c, c.in[0])
		return []value{v}, err
	}}
}

// resolved is a target shape with 0 and −1 filled in, 0 by the axis of x.
func resolved(target, x []int, zeros bool) ([]int, error) {
	out := slices.Clone(target)
	open, rest := -1, 1
	for i, n := range out {
		switch {
		case n == 0 && !zeros:
			if i >= len(x) {
				return nil, errors.Errorf("the shape %v takes axis %d of %v", target, i, x)
			}
			out[i] = x[i]
		case n == -1 && open < 0:
			open = i
			continue
		case n < 0:
			return nil, errors.Errorf("%v is no shape", target)
		}
		rest *= out[i]
	}
	if open >= 0 && rest > 0 {
		if sizeOf(x)%rest != 0 {
			return nil, errors.Errorf("%v cannot have the shape %v", x, target)
		}
		out[open] = sizeOf(x) / rest
	}
	if err := checkSize(out); err != nil {
		return nil, err
	}
	return out, nil
}

func reshape(c *call, v value) (value, error) {
	k, err := c.fixed(1)
	if err != nil {
		return v, err
	}
	target, err := k.sides()
	if err != nil {
		return v, err
	}
	if before, ok := c.before[c.node.Out[0]]; ok && before.fixed == nil && c.sameBefore(1) {
		shape, err := c.freed(v.shape(), before.shape())
		if err != nil {
			return v, err
		}
		return reshaped(v, shape)
	}
	shape, err := resolved(target, v.shape(), c.int("allowzero", 0) == 1)
	if err != nil {
		return v, err
	}
	return reshaped(v, shape)
}

// sameBefore reports whether an input is the same constant for the number of pictures that the file is exported for: one
// that does not follow their number.
func (c *call) sameBefore(i int) bool {
	before, ok := c.before[c.node.In[i]]
	if !ok { // of the file itself
		return true
	}
	return before.fixed != nil && c.in[i].fixed != nil && before.fixed.equal(c.in[i].fixed)
}

func flatten(c *call, v value) (value, error) {
	s := v.shape()
	at := c.int("axis", 1)
	if at < 0 {
		at += len(s)
	}
	if at < 0 || at > len(s) {
		return v, errors.Errorf("%v has no axis %d", s, at)
	}
	return reshaped(v, []int{sizeOf(s[:at]), sizeOf(s[at:])})
}

func transpose(c *call, v value) (value, error) {
	perm := c.ints("perm")
	if perm == nil {
		for i := range v.shape() {
			perm = append([]int{i}, perm...)
		}
	}
	return transposed(v, perm)
}

func unsqueeze(c *call, v value) (value, error) {
	at, err := c.list("axes", 1)
	if err != nil {
		return v, err
	}
	rank := len(v.shape()) + len(at)
	if at, err = axes(at, rank); err != nil {
		return v, err
	}
	shape := slices.Clone(v.shape())
	for _, a := range at {
		shape = slices.Insert(shape, a, 1)
	}
	return reshaped(v, shape)
}

func squeeze(c *call, v value) (value, error) {
	at, err := c.list("axes", 1)
	if err == nil {
		at, err = axes(at, len(v.shape()))
	}
	if err != nil {
		return v, err
	}
	var shape []int
	for i, n := range v.shape() {
		named := slices.Contains(at, i)
		if named && n != 1 {
			return v, errors.Errorf("axis %d of %v is not 1 long", i, v.shape())
		}
		if named || at == nil && n == 1 {
			continue
		}
		shape = append(shape, n)
	}
	return reshaped(v, shape)
}

func expand(c *call, v value) (value, error) {
	k, err := c.fixed(1)
	if err != nil {
		return v, err
	}
	shape, err := k.sides()
	if err == nil {
		err = checkSize(shape)
	}
	if err != nil {
		return v, err
	}
	return expanded(v, shape)
}

func tile(c *call, v value) (value, error) {
	k, err := c.fixed(1)
	if err != nil {
		return v, err
	}
	repeats, err := k.sides()
	if err != nil {
		return v, err
	}
	s := v.shape()
	if len(repeats) != len(s) {
		return v, errors.Errorf("%v cannot be repeated %v times", s, repeats)
	}
	for at, times := range repeats {
		if err := checkSize([]int{s[at], times}); err != nil {
			return v, err
		}
		var all []int
		for range times {
			all = append(all, span(0, s[at], 1)...)
		}
		if times == 1 {
			continue
		}
		if v, err = taken(v, at, all); err != nil {
			return v, err
		}
	}
	return v, nil
}
