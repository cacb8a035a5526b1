package onnxgraph

import (
	"slices"

	"github.com/pkg/errors"
)

// A file that is exported for a fixed number of pictures has that number in its constants, such as the shapes of
// Reshape. Each graph for another number is built beside the shapes that all tensors have for the fixed one.

// batchAxis is the axis in which shapes for two numbers of pictures differ, −1 if they are equal.
func (b *builder) batchAxis(before, now []int) (int, error) {
	at := -1
	fixed := b.net.batch()
	for i := range now {
		switch {
		case len(before) != len(now) || at >= 0 && before[i] != now[i] || before[i] != now[i] && before[i]*b.batch != now[i]*fixed:
			return 0, errors.Errorf("it makes the shape %v of %d pictures and %v of %d, want one axis that grows with their number", before, fixed, now, b.batch)
		case before[i] != now[i]:
			at = i
		}
	}
	return at, nil
}

// checkBatch returns an error for a tensor in which the number of pictures is not a factor of one axis.
func (b *builder) checkBatch(name string, v value) error {
	before, ok := b.before[name]
	if !ok || v.fixed != nil {
		return nil
	}
	_, err := b.batchAxis(before.shape(), v.shape())
	return err
}

// freed is the shape that a tensor is given which had the shape before in the graph of the fixed number of pictures.
// The numbers of pictures stay where they are among those of the tensor: at the beginning of an axis, or at the end of
// the one before.
func (c *call) freed(now, before []int) ([]int, error) {
	was, in := c.before[c.node.In[0]].shape(), c.node.In[0]
	at, err := c.batchAxis(was, now)
	if err != nil || at < 0 {
		return before, err
	}
	fixed := c.net.batch()
	outer := sizeOf(was[:at]) * max(c.inner[in], 1)
	axis, ends := boundary(before, outer, fixed)
	if axis < 0 || ends >= 0 && before[axis] != fixed && (len(before) == 2 || slices.Equal(before[ends+1:], was[at+1:])) {
		axis = ends // such as (T·B, F) of (T, B, F): rows of a matrix
	}
	if axis < 0 {
		return nil, errors.Errorf("it gives %v the shape %v, which mixes pictures", was, before)
	}
	if axis == ends {
		c.inner[c.node.Out[0]] = outer / sizeOf(before[:axis])
	}
	out := slices.Clone(before)
	out[axis] = out[axis] / fixed * c.batch
	return out, nil
}

// boundary are the axes of a shape that begins with, or ends with, the number of pictures, which is behind as many numbers
// as outer; −1 if there is none.
func boundary(shape []int, outer, pictures int) (begins, ends int) {
	begins, ends = -1, -1
	for i, n := range shape {
		if n%pictures != 0 {
			continue
		}
		if begins < 0 && sizeOf(shape[:i]) == outer {
			begins = i
		}
		if ends < 0 && outer > 1 && sizeOf(shape[:i+1]) == outer*pictures {
			ends = i
		}
	}
	return begins, ends
}

// passOn tells of a result that its axis of pictures is that of an input, where other numbers stand before theirs.
func (c *call) passOn(out string) {
	if _, known := c.inner[out]; known || c.node.Op == "Reshape" {
		return
	}
	for _, in := range c.node.In {
		if n := c.inner[in]; n > 0 && slices.Contains(c.before[out].shape(), c.rows(in)) {
			c.inner[out] = n
		}
	}
}

// rows is how long the axis of pictures of a tensor was, 0 if it has none.
func (b *builder) rows(name string) int {
	was := b.before[name].shape()
	at, err := b.batchAxis(was, b.values[name].shape())
	if err != nil || at < 0 {
		return 0
	}
	return was[at]
}
