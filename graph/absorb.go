package graph

import "medusa/internal/spec"

// Some ops can compute, row by row, what an op before them would write to memory for them to read.
// They ask here what that op computes, and are built on its inputs instead; a machine then does not run
// an op that nobody reads any more. Unlike the fusions of fuse.go, this costs a reader nothing, and so
// every reader of such an op does it.

// unscaled returns base, k and c with x = k·base + c, where x is an affine function of another expression.
func (e Expr) unscaled() (base Expr, k, c float64) {
	k = 1
	for {
		o, what, ok := e.madeBy(spec.Affine)
		if !ok || what.A == 0 {
			return e, k, c
		}
		c += k * what.B
		k *= what.A
		e = e.from(o)
	}
}

// unhinged returns base, k and c with x = max(0, k·base + c), if x is such a hinge.
func (e Expr) unhinged() (base Expr, k, c float64, ok bool) {
	for _, f := range []spec.Func{spec.Hinge, spec.Relu} {
		o, what, is := e.madeBy(f)
		if !is {
			continue
		}
		k, c = 1, 0
		if f == spec.Hinge {
			k, c = what.A, what.B
		}
		base, inner, shift := e.from(o).unscaled()
		return base, k * inner, k*shift + c, true
	}
	return e, 0, 0, false
}

// madeBy is the op that applied f to make e.
func (e Expr) madeBy(f spec.Func) (*op, spec.Unary, bool) {
	o, ok := e.n.Op().(*op)
	if !ok || e.unfused {
		return nil, spec.Unary{}, false
	}
	if o.plain != nil {
		o = o.plain
	}
	what, ok := o.spec.(spec.Unary)
	return o, what, ok && what.F == f
}

// from is the input of o, whose output e is.
func (e Expr) from(o *op) Expr {
	e.n.Op().(*op).absorbed = true
	return o.inputs(e)[0]
}

// source is where a mask comes from, and the inputs that say it: the mask itself, or what an op of
// this package makes it of.
func (e Expr) source() (spec.Mask, []Expr) {
	o, what, ok := madeOf[spec.PairMask](e.n)
	if !ok || e.unfused {
		return spec.Mask{}, []Expr{e.Detach()}
	}
	return what.Mask, o.inputs(e.Detach())
}
