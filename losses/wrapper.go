package losses

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// What losses around other losses have in common.

// wrapper is a loss that is made of others.
type wrapper interface {
	Loss
	within() []Loss // the others
	// owns reports whether it has parameters besides those of the others. One that has none goes
	// around one loss, and its parameters are that loss's.
	owns() bool
}

// innerParams returns the parameters of a loss within another one, for the method Params of the latter:
// an empty set if it has none.
func innerParams(inner Loss) *graph.Params {
	if p := ParamsOf(inner); p != nil {
		return p
	}
	return graph.NewParams(0)
}

// contains reports whether l, or a loss within it, is one for which the function is returns true.
func contains(l Loss, is func(Loss) bool) bool {
	return acyclic(l) == nil && anyWithin(l, is)
}

func anyWithin(l Loss, is func(Loss) bool) bool {
	if is(l) {
		return true
	}
	w, ok := l.(wrapper)
	return ok && checkGiven(l) == nil && slices.ContainsFunc(w.within(), func(l Loss) bool { return anyWithin(l, is) })
}

// hasLearned reports whether a loss has parameters that are learned, such as weights of classes.
func hasLearned(l Loss) bool {
	return contains(l, func(l Loss) bool {
		_, made := l.(wrapper)
		_, trainable := l.(Trainable)
		return trainable && !made
	})
}

// termsOf are the terms of a loss, none if it does not tell them.
func termsOf(l Loss, b pairs.Batch) pairs.Terms {
	if t, ok := l.(Termed); ok {
		return t.Terms(b)
	}
	return nil
}

// exprOf is what a loss makes of a batch, or its error.
func exprOf(l Loss, b pairs.Batch) (graph.Expr, error) {
	n, err := BuildOn(l, b)
	if err != nil {
		return graph.Expr{}, err
	}
	return graph.Of(n), nil
}

// weightedSum is the sum of n terms by weights, which are 1 if there are none.
func weightedSum(n int, weights []float64, term func(i int) (graph.Expr, error)) (total graph.Expr) {
	for i := range n {
		t, err := term(i)
		if err != nil {
			return graph.Fail(err)
		}
		if weights != nil {
			t = t.Scale(weights[i])
		}
		if i > 0 {
			t = total.Add(t)
		}
		total = t
	}
	return total
}

// withParts returns the set *p, in which the parameters of each loss are the part of its name. It makes
// the set if there is none yet.
func withParts(p **graph.Params, names []string, inner []Loss) (*graph.Params, error) {
	parts := make([]*graph.Params, len(inner))
	for _, l := range inner {
		if err := acyclic(l); err != nil {
			return nil, err
		}
	}
	for i, l := range inner { // before the lock, which they may need too
		parts[i] = ParamsOf(l)
	}
	makingParams.Lock()
	defer makingParams.Unlock()
	if *p != nil {
		return *p, nil
	}
	all := graph.NewParams(0)
	for i, part := range parts {
		if part == nil || slices.Contains(parts[:i], part) {
			continue
		}
		if err := all.Join(names[i], part); err != nil {
			return nil, errors.Wrap(err, "losses")
		}
	}
	*p = all
	return all, nil
}

// withPart is withParts of one loss, under "of.".
func withPart(p **graph.Params, inner Loss) (*graph.Params, error) {
	return withParts(p, []string{"of."}, []Loss{inner})
}

// orNone returns p, or an empty set if there was an error: a method Params cannot return that, but Loss does.
func orNone(p *graph.Params, err error) *graph.Params {
	if err != nil {
		return graph.NewParams(0)
	}
	return p
}
