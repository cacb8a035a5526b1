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

// span are the numbers from one to another, without it.
func span(from, to, step int) (out []int) {
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		out = append(out, i)
	}
	return out
}

// slice is a part of some axes, with steps.
func slice(c *call, v value) (value, error) {
	var lists [4][]int // starts, ends, axes, steps
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if lists[i], err = c.list(name, i+1); err != nil {
			return v, err
		}
	}
	rank := len(v.shape())
	if lists[2] == nil {
		lists[2] = span(0, min(len(lists[0]), rank), 1)
	}
	if len(lists[1]) != len(lists[0]) || len(lists[2]) != len(lists[0]) || lists[3] != nil && len(lists[3]) != len(lists[0]) {
		return v, errors.Errorf("%d starts, %d ends and %d axes do not go together", len(lists[0]), len(lists[1]), len(lists[2]))
	}
	for i := range lists[0] {
		at, err := axis(lists[2][i], rank)
		if err != nil {
			return v, err
		}
		step := 1
		if lists[3] != nil {
			step = lists[3][i]
		}
		n := v.shape()[at]
		from, to, err := bounds(lists[0][i], lists[1][i], step, n)
		if err != nil {
			return v, err
		}
		if from == 0 && to == n && step == 1 {
			continue
		}
		if v, err = taken(v, at, span(from, to, step)); err != nil {
			return v, err
		}
	}
	return v, nil
}

// bounds are where a slice of n places begins and ends.
func bounds(from, to, step, n int) (int, int, error) {
	if step == 0 {
		return 0, 0, errors.New("a step is 0")
	}
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	if step > 0 {
		return min(max(from, 0), n), min(max(to, 0), n), nil
	}
	return min(max(from, -1), n-1), min(max(to, -1), n-1), nil
}

// gather takes places along an axis; the shape of the indices stands in its place.
func gather(c *call, v value) (value, error) {
	k, err := c.fixed(1)
	if err != nil {
		return v, err
	}
	at, err := axis(c.int("axis", 0), len(v.shape()))
	if err != nil {
		return v, err
	}
	indices, err := k.sides()
	if err != nil {
		return v, err
	}
	s := v.shape()
	shape := slices.Concat(s[:at], k.shape, s[at+1:])
	if err := checkSize(shape); err != nil {
		return v, err
	}
	if v, err = taken(v, at, indices); err != nil {
		return v, err
	}
	return reshaped(v, shape)
}

// splitUp cuts along an axis.
func splitUp(c *call) ([]value, error) {
	v := c.in[0]
	at, err := axis(c.int("axis", 0), len(v.shape()))
	if err != nil {
		return nil, err
	}
	sizes, err := c.list("split", 1)
	if err != nil {
		return nil, err
	}
	n := v.shape()[at]
	if sizes == nil {
		parts := c.int("num_outputs", len(c.node.Out))
		if parts < 1 || parts > n {
			return nil, errors.Errorf("axis %d of %v cannot be cut into %d", at, v.shape(), parts)
		}
		each := (n + parts - 1) / parts
		for from := 0; from < n; from += each {
			sizes = append(sizes, min(each, n-from))
		}
	}
	var out []value
	from := 0
	for _, size := range sizes {
		if size < 0 || from+size > n {
			return nil, errors.Errorf("axis %d of %v cannot be cut into %v", at, v.shape(), sizes)
		}
		part, err := taken(v, at, span(from, from+size, 1))
		if err != nil {
			return nil, err
		}
		out = append(out, part)
		from += size
	}
	return out, nil
}

// pad puts numbers around.
func pad(c *call, v value) (value, error) {
	pads, err := c.list("pads", 1)
	if err != nil {
		return v, err
	}
	fill, err := c.number(2, c.float("value", 0))
	if err != nil {
		return v, err
	}
	rank := len(v.shape())
	at := span(0, rank, 1)
	if k, err := c.fixed(3); err != nil {
		return v, err
	} else if k != nil {
		if at, err = k.sides(); err != nil {
			return v, err
		}
	}
	if len(pads) != 2*len(at) {
		return v, errors.Errorf("%d pads for %d axes", len(pads), len(at))
	}
	mode := c.text("mode", "constant")
	for i, a := range at {
		if a, err = axis(a, rank); err != nil {
			return v, err
		}
		if v, err = c.padded(v, a, pads[i], pads[len(at)+i], mode, fill); err != nil {
			return v, err
		}
	}
	return v, nil
}

// padded puts numbers before and behind along an axis; less than 0 takes some away.
func (b *builder) padded(v value, at, before, behind int, mode string, fill float64) (value, error) {
	n := v.shape()[at]
	if before == 0 && behind == 0 {
		return v, nil
	}
	if err := checkSize([]int{max(before, 0), max(behind, 0)}); err != nil {
		return v, err
	}
	if mode == "constant" {
		return b.filled(v, at, before, behind, fill)
	}
	var from []int
	for i := -before; i < n+behind; i++ {
		k := i
		switch mode {
		case "edge":
			k = min(max(i, 0), n-1)
		case "reflect":
			if period := 2 * (n - 1); period > 0 {
				k = ((i % period) + period) % period
				k = min(k, period-k)
			}
		case "wrap":
			k = ((i % n) + n) % n
		default:
			return v, errors.Errorf("padding of mode %q is not supported", mode)
		}
		from = append(from, k)
	}
	return taken(v, at, from)
}

// filled is padded with one number.
func (b *builder) filled(v value, at, before, behind int, fill float64) (value, error) {
	s := v.shape()
	if before < 0 || behind < 0 {
		from, to := max(-before, 0), s[at]-max(-behind, 0)
		var err error
		if v, err = taken(v, at, span(from, to, 1)); err != nil {
			return v, err
		}
		before, behind = max(before, 0), max(behind, 0)
	}
	var parts []value
	block := func(n int) {
		if n == 0 {
			return
		}
		side := slices.Clone(s)
		side[at] = n
		if v.fixed != nil {
			parts = append(parts, value{fixed: numbers([]float64{fill}, 1).picked(make([]int, sizeOf(side)), side...)})
		} else {
			parts = append(parts, value{e: b.like.Constant(fill, side...)})
		}
	}
	block(before)
	parts = append(parts, v)
	block(behind)
	return b.joined(parts, at)
}
