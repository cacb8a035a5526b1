package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Dropout sets each element of x to 0 with probability rate in [0, 1) and divides the
// others by 1 − rate. It belongs into training graphs only. The mask of a run depends on
// the seed and the number of runs that state holds (see DropoutState) and on nothing
// else: a run that goes on from a saved state draws the same masks.
//
// N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
// Overfitting", JMLR 15, 2014.
func Dropout(x, state Expr, rate float64) Expr {
	if err := firstError(x, state); err != nil {
		return Fail(err)
	}
	if !(rate >= 0 && rate < 1) {
		return Fail(errors.Errorf("graph: dropout with rate %v, want at least 0 and below 1", rate))
	}
	if want := (tensor.Shape{spec.DropoutDigits}); !slices.Equal(state.Shape(), want) {
		return Fail(errors.Errorf("graph: dropout's state has shape %v, want %v; make it with DropoutState", state.Shape(), want))
	}
	if rate == 0 {
		return x
	}
	draw := applyStateful(spec.Advance{}, tensor.Shape{spec.DropoutDigits}, nil, state.Detach())
	what := spec.Dropout{N: x.Shape().TotalSize(), Rate: rate}
	return apply(what, x.Shape(), func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(what, in[0].Shape(), nil, g, in[1]), {}}
	}, x, draw)
}

// DropoutState is the buffer name that holds a dropout's seed and the number of its runs
// so far. The seed comes from that of p and the name. One state serves one dropout.
func (p *Params) DropoutState(g *gorgonia.ExprGraph, name string, dt tensor.Dtype) Expr {
	return p.Buffer(g, name, dt, randomState, spec.DropoutDigits)
}
