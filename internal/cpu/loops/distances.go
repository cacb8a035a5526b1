package loops

import "math"

// Closeness tells the pairs of rows whose distance cannot be taken from their product.
// With n the sum of the two rows' squared lengths, the square of their distance made as
// n − 2·product has an error of some units in the last place of n. So pairs are close,
// and to be compared number by number, unless d² > n/16 + 10⁻³⁰, where that error is at
// most 16 times as much of d² itself, and of d half as much of that. Numbers too small
// to be squared are close, and so is whatever is not finite.
const (
	closeness = 1. / 16
	tiniest   = 1e-30
)

// IsClose reports whether rows are whose squared distance is square, and whose squared lengths are norms in sum.
func IsClose(square, norms float32) bool { return !(square > float32(norms*closeness)+tiniest) }

// Apart makes distances, or with squared their squares, of the products of a row with
// others, given the squared lengths of the others and its own. It writes −1 where the
// rows are close. It tells whether there are any.
func Apart(dst, products, norms []float32, norm float32, squared bool) (anyClose bool) {
	products, norms = products[:len(dst)], norms[:len(dst)]
	f := active.simd.apart
	if squared {
		f = active.simd.apartSquared
	}
	if f != nil {
		f(single(dst), single(products), single(norms), len(dst), norm, closeness, tiniest)
		return NextMarked(dst, 0) < len(dst)
	}
	for i, p := range products {
		n := norms[i] + norm
		d := n - (p + p)
		if IsClose(d, n) {
			dst[i], anyClose = -1, true
			continue
		}
		if !squared {
			d = float32(math.Sqrt(float64(d)))
		}
		dst[i] = d
	}
	return anyClose
}

// Pull makes the weights with which rows are drawn towards one row by the gradients to
// their distances d: (g + gt)/d or, if d are squares, 2·(g + gt). It writes 0 where the
// rows are close, and there −1 instead of 0 to flags. It tells whether there are any.
func Pull(dst, flags, g, gt, d, norms []float32, norm float32, squared bool) (anyClose bool) {
	n := len(dst)
	flags, g, gt, d, norms = flags[:n], g[:n], gt[:n], d[:n], norms[:n]
	f := active.simd.pull
	if squared {
		f = active.simd.pullSquared
	}
	if f != nil {
		f(single(dst), single(flags), single(g), single(gt), single(d), single(norms), n, norm, closeness, tiniest)
		return NextMarked(flags, 0) < len(flags)
	}
	for i, v := range g {
		sum, square := v+gt[i], d[i]
		if !squared {
			square = d[i] * d[i]
		}
		switch {
		case IsClose(square, norms[i]+norm):
			dst[i], flags[i], anyClose = 0, -1, true
		case squared:
			dst[i], flags[i] = sum+sum, 0
		default:
			dst[i], flags[i] = sum/d[i], 0
		}
	}
	return anyClose
}

// NextMarked is the first place from on where a mark of Apart or Pull stands in x, −1 or a
// NaN, or len(x). Most of x is not marked.
func NextMarked(x []float32, from int) int {
	if from >= len(x) {
		return len(x)
	}
	return from + SkipAbove(x[from:], x[from:], -1)
}
