package onnxgraph

import (
	"slices"

	"github.com/pkg/errors"
)

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
