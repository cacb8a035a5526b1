package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/spec"
)

func init() {
	registerSome((*builder).permute)
}

// permute transposes matrices where the result's last two axes are the other way round in x, and
// else goes element by element.
func (b *builder) permute(s spec.Permute) bool {
	sizes, strides := s.Folded()
	const most = 6
	n := 1
	for _, size := range sizes {
		n *= size
	}
	k := len(sizes)
	if k < 2 {
		b.step(copyOf(out, in(0), n))
		return true
	}
	cols, rows := sizes[k-2], sizes[k-1]
	if strides[k-2] == 1 && strides[k-1] == cols && (k == 2 || k == 3 && strides[0] == rows*cols) {
		matrices := n / rows / cols
		if down := (rows + 31) / 32; matrices <= mostDeep && down <= mostDeep {
			b.launchTransposeEach(cuda.Dim{X: (cols + 31) / 32, Y: down, Z: matrices}, rows, cols, in(0), out)
			return true
		}
	}
	if k > most {
		return false
	}
	for range most - k {
		sizes, strides = append([]int{1}, sizes...), append([]int{0}, strides...)
	}
	b.launchPermute(flat(n), n, divisor(sizes[1]), divisor(sizes[2]), divisor(sizes[3]), divisor(sizes[4]), divisor(sizes[5]),
		strides[0], strides[1], strides[2], strides[3], strides[4], strides[5], in(0), out)
	return true
}
