package gpu

import (
	"github.com/pkg/errors"

	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.PairMask) {
		b.makeMask(s.Mask, s.Rows, s.Cols, 0, out)
	})
	register((*builder).rowCount)
}

// twoMasks are masks (rows, cols) whose inputs begin at in(1), and what comes behind these.
func (b *builder) twoMasks(first, second spec.Mask, rows, cols int) (one, other maskOperand, rest operand) {
	at := 1 + first.Inputs()
	one = b.maskOf(first, rows, cols, 1, 0)
	other = b.maskOf(second, rows, cols, at, scratchOf(first, rows, cols))
	return one, other, in(at + second.Inputs())
}

// maskOperand is what a kernel reads of a mask: where it comes from, as medusa.cuh packs it, and
// the mask or the labels.
type maskOperand struct {
	pairs int
	from  operand
}

// maskOf is a mask (rows, cols) whose inputs begin at in(at). Where entries are chosen, the mask is
// made in the workspace from the number scratch on, for the step that comes next, and taken as
// given.
func (b *builder) maskOf(m spec.Mask, rows, cols, at, scratch int) maskOperand {
	if len(m.Filters) == 0 {
		return maskOperand{b.packedPairs(m, rows), in(at)}
	}
	b.work(scratch + rows*cols)
	b.makeMask(m, rows, cols, at, work(scratch))
	return maskOperand{pairsGiven, work(scratch)}
}

// pairsOf are their numbers in medusa.cuh.
var pairsOf = map[spec.Pairs]int{spec.Given: pairsGiven, spec.Positive: pairsPositive, spec.Negative: pairsNegative}

// packedPairs says where a mask comes from: in the lower two bits the pairs, above them where the
// labels of the columns begin.
func (b *builder) packedPairs(m spec.Mask, rows int) int {
	pairs, ok := pairsOf[m.Pairs]
	if !ok {
		b.add(nil, errors.Errorf("gpu: no kernel for pairs %q", m.Pairs))
	}
	if m.Cross {
		pairs |= rows << 2
	}
	return pairs
}

// makeMask writes a mask (rows, cols) to y.
func (b *builder) makeMask(m spec.Mask, rows, cols, at int, y operand) {
	n := rows * cols
	b.launchPairMask(flat(n), n, divisor(cols), b.packedPairs(m, rows), in(at), y)
	at++
	for _, c := range m.Filters {
		switch c.Kind {
		case spec.Within:
			b.launchChooseWithin(flat(n), n, divisor(cols), in(at), in(at+1), in(at+2), y)
		case spec.Listed:
			b.launchChooseListed(blocks(rows), cols, c.K, in(at), y)
		default:
			b.add(nil, errors.Errorf("gpu: no kernel for a filter %q", c.Kind))
		}
		at += c.Inputs()
	}
}

// scratchOf is how many numbers of workspace a mask (rows, cols) needs.
func scratchOf(m spec.Mask, rows, cols int) int {
	if len(m.Filters) == 0 {
		return 0
	}
	return rows * cols
}

func (b *builder) rowCount(s spec.RowCount) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 0, 0)
	b.launchRowCount(blocks(s.Rows), s.Cols, mask.pairs, mask.from, out)
}
