package pairs

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// Selection says which pairs and triplets of a batch count. Its zero value is all of them:
// the pairs of one label are positive, of two labels negative, and each positive makes a
// triplet with each negative of its anchor.
type Selection struct {
	// Pos and Neg are matrices (B, M) that hold, for each pair, what Hold says; 0 is a pair that
	// does not count. A zero Expr stands for the pairs that the labels make. Kernels read masks
	// that package graph made of labels (graph.PairMasks, graph.At, graph.Within and the like)
	// without writing them to memory.
	Pos, Neg graph.Expr
	Hold     Hold
	// Among is a mask (B, M) of the pairs that are there at all: 0 is one that does not count,
	// whatever Pos, Neg or the labels say, such as a slot of a memory that is empty. A zero Expr
	// stands for all.
	Among graph.Expr
	// Window chooses triplets of these pairs.
	Window Window
	// Partners (B, M) holds, for each positive pair, the column of the one negative that makes a
	// triplet with it, −1 if none does. Zero: each negative of the anchor does.
	Partners graph.Expr
	// Single says that an anchor has at most one positive and at most one negative, which are
	// meant as one triplet: the one without the other does not count.
	Single bool
	// Or is what counts when nothing of the above does: at any run, one of the two is empty, as in
	// a schedule.
	Or *Selection
}

// Hold says what the numbers of a Selection are.
type Hold int

// What numbers of a Selection are.
const (
	Masks Hold = iota // 1: the pair counts
	// Counts say how often the pair counts: a miner listed it so many times. A loss that adds up
	// terms of pairs adds each so often. A loss that looks at an anchor's pairs as a set, such as
	// multi-similarity, counts each once. A triplet counts as often as the product of the counts of
	// its two pairs says.
	Counts
	// Weights multiply what a pair contributes, such as degrees of likeness in place of labels, and
	// a triplet by the product of those of its two pairs.
	Weights
)

// Window chooses the triplets (a, p, n) with Above < v ≤ AtMost, where
//
//	v = D(a,n) − D(a,p), or with Sides AP·D(a,p) + AN·D(a,n) + PN·D(p,n)
//
// Its zero value chooses all. The distances may be others than the loss's.
type Window struct {
	D             graph.Expr // (B, M) distances; zero: no window
	Above, AtMost float64    // −Inf and +Inf are no bounds
	Sides         graph.Sides
	Among         graph.Expr // of a PN and a reference set: the distances (M, M) among its rows, see Batch.Among
}

// over is the window as sums over triplets have it.
func (w Window) over() graph.Window {
	if !given(w.D) {
		return graph.EveryTriplet()
	}
	return graph.Window{Above: w.Above, AtMost: w.AtMost, D: w.D, Sides: w.Sides, Among: w.Among}
}

// Whole reports whether the selection is zero: all pairs and triplets count.
func (s Selection) Whole() bool { return s == Selection{} }

// or is what counts when nothing else does, of the pairs that are there.
func (s Selection) or() Selection {
	other := *s.Or
	if !given(other.Among) {
		other.Among = s.Among
	}
	return other
}

// OfTriplets reports whether the selection chooses triplets, not only pairs.
func (s Selection) OfTriplets() bool {
	return given(s.Window.D) || given(s.Partners) || s.Single || s.Or != nil && s.Or.OfTriplets()
}

// check says what is wrong with a selection of a batch of B rows and M columns.
func (s Selection) check(b, m int) error {
	for _, part := range []struct {
		name string
		e    graph.Expr
	}{{"positive pairs", s.Pos}, {"negative pairs", s.Neg}, {"pairs that are there", s.Among}, {"distances of the window", s.Window.D}, {"partners", s.Partners}} {
		if !given(part.e) {
			continue
		}
		if err := part.e.Err(); err != nil {
			return errors.Wrapf(err, "pairs: selection: %s", part.name)
		}
		if shape := part.e.Shape(); shape.Dims() != 2 || shape[0] != b || shape[1] != m {
			return errors.Errorf("pairs: selection: %s of shape %v, want (%d, %d)", part.name, shape, b, m)
		}
	}
	if math.IsNaN(s.Window.Above) || math.IsNaN(s.Window.AtMost) {
		return errors.Errorf("pairs: selection: a window above %g, at most %g, want two numbers", s.Window.Above, s.Window.AtMost)
	}
	if !given(s.Window.D) && s.Window != (Window{}) {
		return errors.Errorf("pairs: selection: a window above %g, at most %g, without distances: set D", s.Window.Above, s.Window.AtMost)
	}
	if s.Hold < Masks || s.Hold > Weights {
		return errors.Errorf("pairs: selection: it holds %d, want Masks, Counts or Weights", s.Hold)
	}
	if s.Or != nil {
		return s.Or.check(b, m)
	}
	return nil
}
