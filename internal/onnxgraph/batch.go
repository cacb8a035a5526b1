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

// freed is the shape that a tensor is given which had the shape before in the graph of the fixed number of pictures, where
// what it was made of was. The numbers of pictures stay where they were among those of the tensor: at the beginning of
// an axis, or at the end of the one before.
func (b *builder) freed(was, now, before []int) ([]int, error) {
	at, err := b.batchAxis(was, now)
	if err != nil || at < 0 {
		return before, err
	}
	fixed := b.net.batch()
	begins, ends := boundary(before, sizeOf(was[:at]), fixed)
	if begins < 0 || ends >= 0 && before[begins] != fixed && (len(before) == 2 || slices.Equal(before[ends+1:], was[at+1:])) {
		begins = ends // such as (T·B, F) of (T, B, F): rows of a matrix
	}
	if begins < 0 {
		return nil, errors.Errorf("it gives %v the shape %v, which mixes pictures", was, before)
	}
	out := slices.Clone(before)
	out[begins] = out[begins] / fixed * b.batch
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
