package gpu

import (
	"slices"

	"medusa/internal/spec"
)

func init() {
	registerSome((*builder).sumTo)
	registerSome((*builder).broadcast)
}

func (b *builder) broadcast(s spec.Broadcast) bool {
	from := s.From
	if len(from) == 0 {
		from = slices.Repeat([]int{1}, len(s.To))
	}
	return b.stretch(operatorFirst, from, s.To, in(0), in(0))
}

// sumTo splits the axes into those of the result and those that are summed over.
func (b *builder) sumTo(s spec.SumTo) bool {
	to := s.To
	if len(to) == 0 {
		to = slices.Repeat([]int{1}, len(s.From))
	}
	axes := foldAxes(to, s.From) // a moves along what is left, b along all
	type dim struct{ n, stride int }
	var kept, summed []dim
	stride := 1
	for _, a := range slices.Backward(axes) {
		if a.a {
			kept = append(kept, dim{a.n, stride})
		} else {
			summed = append(summed, dim{a.n, stride})
		}
		stride *= a.n
	}
	if len(kept) > 4 || len(summed) > 3 {
		return false
	}
	n, m := 1, 1
	for _, d := range kept {
		n *= d.n
	}
	for _, d := range summed {
		m *= d.n
	}
	for len(kept) < 4 {
		kept = append(kept, dim{1, 0})
	}
	for len(summed) < 3 {
		summed = append(summed, dim{1, 0})
	}
	// The kernel's last axis is the fastest; ours is the first.
	grid, parts := parted(n, m)
	b.work(2 * n * parts)
	b.launchSumAxes(grid, kept[2].n, kept[1].n, kept[0].n, kept[3].stride, kept[2].stride, kept[1].stride, kept[0].stride,
		m, divisor(summed[1].n), divisor(summed[0].n), summed[2].stride, summed[1].stride, summed[0].stride, in(0), work(0), out)
	b.addParts(n, parts, out)
	return true
}
