package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Permute puts the axes of x in another order, which names each of them once: axis i of the
// result is axis axes[i] of x. So pictures (B, C, H, W) become (B, H, W, C) by Permute(0, 2, 3, 1),
// and heads (B, T, N, D) become (B, N, T, D) by Permute(0, 2, 1, 3). The numbers are copied.
func (e Expr) Permute(axes ...int) Expr {
	if e.Err() != nil {
		return e
	}
	s := e.Shape()
	if !isPermutation(axes, s.Dims()) {
		return Fail(errors.Errorf("graph: permute axes of shape %v to %v, want each of its %d axes once, from 0", s, axes, s.Dims()))
	}
	if slices.IsSorted(axes) {
		return e
	}
	out, back := make(tensor.Shape, len(axes)), make([]int, len(axes))
	for i, a := range axes {
		out[i], back[a] = s[a], i
	}
	return apply(spec.Permute{Shape: s.Clone(), Axes: slices.Clone(axes)}, out,
		func(_ []Expr, _, g Expr, _ []bool) []Expr { return []Expr{g.Permute(back...)} }, e)
}

// isPermutation reports whether axes is 0 … n−1 in some order.
func isPermutation(axes []int, n int) bool {
	sorted := slices.Sorted(slices.Values(axes))
	for i, a := range sorted {
		if a != i {
			return false
		}
	}
	return len(axes) == n
}
