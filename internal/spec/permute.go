package spec

// Permute puts the axes of x, of the given shape, in another order: axis i of the result is
// axis Axes[i] of x.
type Permute struct{ Shape, Axes []int }

// Folded is the result's axes as sizes and strides in x, without those of size 1 and with
// those joined that stay side by side.
func (s Permute) Folded() (sizes, strides []int) {
	stride := make([]int, len(s.Shape))
	for i, n := len(s.Shape)-1, 1; i >= 0; i-- {
		stride[i] = n
		n *= s.Shape[i]
	}
	for _, a := range s.Axes {
		n, by := s.Shape[a], stride[a]
		last := len(sizes) - 1
		switch {
		case n == 1:
		case last >= 0 && strides[last] == n*by:
			sizes[last] *= n
			strides[last] = by
		default:
			sizes, strides = append(sizes, n), append(strides, by)
		}
	}
	return sizes, strides
}
