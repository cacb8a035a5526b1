package graph

import "medusa/internal/spec"

// Some ops compute by themselves, row by row, what an op before them would write to
// memory for them to read. They ask here what that was, and are built on what stands
// before it; a planned machine then does not run an op that nobody reads any more. It costs them
// nothing, so that unlike what the table of fusions says each of many readers does it.

// unscaled is what x is made of by affine functions: x = k·base + c.
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

// unhinged is what x is made of by a hinge: x = max(0, k·base + c).
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
