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

// freed is the shape that a tensor x is given which had the shape before in the graph of the fixed number of pictures,
// where it was made of was. Pictures stay behind as many numbers of x as they were.
func (b *builder) freed(was, now, before []int) ([]int, error) {
	at, err := b.batchAxis(was, now)
	if err != nil || at < 0 {
		return before, err
	}
	outer := sizeOf(was[:at])
	for i := range before {
		if sizeOf(before[:i]) == outer && before[i]%b.net.batch() == 0 {
			out := slices.Clone(before)
			out[i] = out[i] / b.net.batch() * b.batch
			return out, nil
		}
	}
	return nil, errors.Errorf("it gives %v the shape %v, which mixes pictures", was, before)
}
