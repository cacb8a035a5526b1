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

// hinge is max(0, k·base + c + l·by), by being a number, of which there is none where l is 0.
type hinge struct {
	base, by Expr
	k, c, l  float64
}

// unhinged is the hinge that makes x.
func (e Expr) unhinged() (h hinge, ok bool) {
	for _, f := range []spec.Func{spec.Hinge, spec.Relu} {
		o, what, is := e.madeBy(f)
		if !is {
			continue
		}
		k, c := 1.0, 0.0
		if f == spec.Hinge {
			k, c = what.A, what.B
		}
		base, inner, shift := e.from(o).unscaled()
		h = hinge{base: base, k: k * inner, c: k*shift + c}
		h.unshift()
		return h, true
	}
	return h, false
}

// unshift finds the number by in what base is made of.
func (h *hinge) unshift() {
	o, what, ok := madeOf[spec.Binary](h.base.n)
	if !ok || h.base.unfused || what.Op != spec.Add && what.Op != spec.Sub {
		return
	}
	second := 1.0
	if what.Op == spec.Sub {
		second = -1
	}
	in, shape := o.inputs(h.base), h.base.Shape()
	number := func(s []int) bool { return s[0] == 1 && s[1] == 1 }
	matrix, sign := in[0], 1.0
	switch {
	case len(shape) != 2 || number(shape):
		return
	case number(what.B):
		h.by, h.l = in[1], h.k*second
	case number(what.A):
		h.by, h.l = in[0], h.k
		matrix, sign = in[1], second
	default:
		return
	}
	o.absorbed = true
	base, inner, shift := matrix.unscaled()
	h.base, h.k, h.c = base, h.k*sign*inner, h.c+h.k*sign*shift
}

// unsquared is the hinge whose square x is.
func (e Expr) unsquared() (h hinge, ok bool) {
	o, _, ok := e.madeBy(spec.Square)
	if !ok {
		return h, false
	}
	if h, ok = o.inputs(e)[0].unhinged(); ok {
		o.absorbed = true
	}
	return h, ok
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
