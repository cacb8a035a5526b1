package cpu

import (
	"cmp"
	"slices"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// classes lists the positive pairs of labels. There are few of them in most batches, so
// that it is quicker to gather their entries of a row than to go through all of it.
type classes[T loops.Float] struct {
	few      bool    // whether that is so
	sorted   bool    // the batch stands class after class
	order    []int32 // rows by label, those of one label by number
	from, to []int32 // the rows of the label of row r are order[from[r]:to[r]]
	ones     []T
}

func newClasses[T loops.Float](n int) *classes[T] {
	return &classes[T]{order: make([]int32, n), from: make([]int32, n), to: make([]int32, n), ones: onesOf[T](n)}
}

// positivesOf is for a mask of positive pairs of a batch with itself, and nil for others.
func positivesOf[T loops.Float](m spec.Mask, n int) *classes[T] {
	if m.Pairs != spec.Positive || !m.Symmetric() {
		return nil
	}
	return newClasses[T](n)
}

// chosenOf is a row with its mask or, where positives are few, these alone with a mask of
// ones; scratch is memory for the one or the other.
func chosenOf[T loops.Float](m *maskRows[T], positives *classes[T], row []T, r int, scratch []T) (x, mask []T) {
	if positives == nil || !positives.few {
		return row, m.row(r, scratch)
	}
	x = positives.gather(scratch, row, r)
	return x, positives.ones[:len(x)]
}

// fewShare is the share of a row that at most may be positive: above, SIMD over all of it
// is quicker.
const fewShare = 1. / 16

// list takes labels. A label that is NaN equals none.
func (c *classes[T]) list(labels []T) {
	for i := range c.order {
		c.order[i] = int32(i)
	}
	byLabel := func(a, b int32) int { return cmp.Compare(labels[a], labels[b]) }
	if c.sorted = slices.IsSortedFunc(c.order, byLabel); !c.sorted {
		slices.SortStableFunc(c.order, byLabel)
	}
	c.few = true
	for i := 0; i < len(c.order); {
		end := i + 1
		for end < len(c.order) && labels[c.order[end]] == labels[c.order[i]] {
			end++
		}
		c.few = c.few && float64(end-i-1) <= fewShare*float64(len(c.order))
		for _, r := range c.order[i:end] {
			c.from[r], c.to[r] = int32(i), int32(end)
		}
		i = end
	}
}

// gather writes the entries of row r at its positives to dst.
func (c *classes[T]) gather(dst, row []T, r int) []T {
	n := 0
	for _, j := range c.order[c.from[r]:c.to[r]] {
		if int(j) != r {
			dst[n] = row[j]
			n++
		}
	}
	return dst[:n]
}

// others appends the positives of row r to at.
func (c *classes[T]) others(at []int32, r int) []int32 {
	for _, j := range c.order[c.from[r]:c.to[r]] {
		if int(j) != r {
			at = append(at, j)
		}
	}
	return at
}

// place is where the k-th of gather stands in row r.
func (c *classes[T]) place(k, r int) int {
	for _, j := range c.order[c.from[r]:c.to[r]] {
		if int(j) == r {
			continue
		}
		if k == 0 {
			return int(j)
		}
		k--
	}
	return -1
}
