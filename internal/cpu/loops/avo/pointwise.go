package main

import (
	"github.com/mmcloughlin/avo/operand"
)

// Predicates of comparisons.
const (
	equal             = 0
	less              = 1
	unordered         = 3
	notEqual          = 4
	notLessOrEqual    = 6
	notGreaterOrEqual = 9
	notGreater        = 10
	greaterOrEqual    = 13
	greater           = 14
)

// pointwiseKernels are those that losses are made of.
var pointwiseKernels = []elementwise{
	{name: "div", doc: "dst = x/y", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return a.into(in[0], a.div, in[1], in[0]) }},
	{name: "maxOf", doc: "dst = max(x, y), NaN if one is", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.extreme(in[0], in[1], a.VMAXPS)} }},
	{name: "minOf", doc: "dst = min(x, y), NaN if one is", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.extreme(in[0], in[1], a.VMINPS)} }},
	{name: "greater", doc: "dst = 1 where x > y, else 0", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.indicator(greater, in[0], in[1])} }},
	{name: "greaterEqual", doc: "dst = 1 where x ≥ y, else 0", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.indicator(greaterOrEqual, in[0], in[1])} }},
	{name: "same", doc: "dst = 1 where x = y, else 0", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.indicator(equal, in[0], in[1])} }},
	{name: "above", doc: "dst = 1 where x > k, else 0", writes: "dst", reads: "x", scalars: "k",
		body: func(a *asm, in, k []vec) []vec { return []vec{a.indicator(greater, in[0], k[0])} }},
	{name: "equals", doc: "dst = 1 where x = k, else 0", writes: "dst", reads: "x", scalars: "k",
		body: func(a *asm, in, k []vec) []vec { return []vec{a.indicator(equal, in[0], k[0])} }},
	{name: "clamp", doc: "dst = min(max(x, lo), hi); a NaN stays", writes: "dst", reads: "x", scalars: "lo hi",
		body: func(a *asm, in, k []vec) []vec {
			a.max(in[0], k[0], in[0])
			a.pick(a.VMINPS, a.VMINPD)(in[0], k[1], in[0])
			return in[:1]
		}},
	{name: "clampGrad", doc: "dst = dy, and 0 where x < lo or x > hi", writes: "dst", reads: "x dy", scalars: "lo hi",
		body: func(a *asm, in, k []vec) []vec {
			zero := a.reg()
			a.zero(zero)
			a.choose(less, in[0], k[0], zero, in[1], in[1])
			a.choose(greater, in[0], k[1], zero, in[1], in[1])
			return in[1:2]
		}},
	{name: "sqrt", doc: "dst = √max(x, 0)", writes: "dst", reads: "x",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.root(in[0])} }},
	{name: "sqrtGrad", doc: "dst = dy·(½/y), and 0 where y = 0", writes: "dst", reads: "y dy",
		body: func(a *asm, in, _ []vec) []vec {
			zero, half := a.reg(), a.constant(0.5)
			a.zero(zero)
			a.div(in[0], half, half)
			a.mul(half, in[1], in[1])
			a.choose(equal, in[0], zero, zero, in[1], in[1])
			return in[1:2]
		}},
	{name: "squareGrad", doc: "dst = 2·x·dy", writes: "dst", reads: "x dy",
		body: func(a *asm, in, _ []vec) []vec {
			a.add(in[0], in[0], in[0])
			return a.into(in[0], a.mul, in[1], in[0])
		}},
	{name: "sigmoid", doc: "dst = 1/(1 + e⁻ˣ)", writes: "dst", reads: "x",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.sigmoid(in[0])} }},
	{name: "sigmoidGrad", doc: "dst = dy·y·(1 − y)", writes: "dst", reads: "y dy",
		body: func(a *asm, in, _ []vec) []vec {
			rest := a.constant(1)
			a.sub(in[0], rest, rest)
			a.mul(in[0], rest, rest)
			return a.into(in[0], a.mul, rest, in[1])
		}},
	{name: "softplus", doc: "dst = ln(1 + eˣ)", writes: "dst", reads: "x",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.softplus(in[0])} }},
	{name: "softplusGrad", doc: "dst = dy/(1 + e⁻ˣ)", writes: "dst", reads: "x dy",
		body: func(a *asm, in, _ []vec) []vec { return a.into(in[0], a.mul, a.sigmoid(in[0]), in[1]) }},
	{name: "where", doc: "dst = x, and k where mask = 0", writes: "dst", reads: "x mask", scalars: "k",
		body: func(a *asm, in, k []vec) []vec {
			zero := a.reg()
			a.zero(zero)
			a.choose(equal, in[1], zero, k[0], in[0], in[0])
			return in[:1]
		}},
	{name: "expWhere", doc: "dst = e^(k·x − c), and 0 where mask = 0", writes: "dst", reads: "x mask", scalars: "k c",
		body: func(a *asm, in, k []vec) []vec {
			a.mul(k[0], in[0], in[0])
			a.sub(k[1], in[0], in[0])
			e := a.exp(in[0])
			zero := a.reg()
			a.zero(zero)
			a.choose(equal, in[1], zero, zero, e, e)
			return []vec{e}
		},
		several: func(a *asm, load func(string, int) vec, k []vec) []vec {
			var x []vec
			for i := range atOnce {
				x = append(x, load("x", i))
				a.mul(k[0], x[i], x[i])
				a.sub(k[1], x[i], x[i])
			}
			y := a.exps(x)
			zero := a.reg()
			a.zero(zero)
			for i := range y {
				a.choose(equal, load("mask", i), zero, zero, y[i], y[i])
			}
			return y
		}},
	{name: "hinge", doc: "dst = max(0, k·x + c); a NaN stays", writes: "dst", reads: "x", scalars: "k c",
		body: func(a *asm, in, k []vec) []vec {
			a.mul(in[0], k[0], in[0])
			a.add(k[1], in[0], in[0])
			return []vec{a.relu(in[0])}
		}},
	{name: "hingeGrad", doc: "dst = k·dy, and 0 where y ≤ 0", writes: "dst", reads: "y dy", scalars: "k",
		body: func(a *asm, in, k []vec) []vec {
			a.mul(k[0], in[1], in[1])
			return []vec{a.keepAbove(in[0], in[1])}
		}},
	{name: "between", doc: "dst = k where not x ≤ low, not x ≥ high and mask ≠ 0, else 0", writes: "dst", reads: "x mask", scalars: "k low high",
		body: func(a *asm, in, k []vec) []vec {
			zero, out := a.reg(), a.reg()
			a.zero(zero)
			a.choose(notLessOrEqual, in[0], k[1], k[0], zero, out)
			a.choose(notGreaterOrEqual, in[0], k[2], out, zero, out)
			a.choose(equal, in[1], zero, zero, out, out)
			return []vec{out}
		}},
	{name: "hingeBetween", doc: "dst = up where not t ≤ low, not t ≥ high and mask ≠ 0, else 0, t = max(0, k·x + c)",
		writes: "dst", reads: "x mask", scalars: "up k c low high",
		body: func(a *asm, in, k []vec) []vec {
			a.mul(k[1], in[0], in[0])
			a.add(k[2], in[0], in[0])
			t, zero, out := a.relu(in[0]), a.reg(), a.reg()
			a.zero(zero)
			a.choose(notLessOrEqual, t, k[3], k[0], zero, out)
			a.choose(notGreaterOrEqual, t, k[4], out, zero, out)
			a.choose(equal, in[1], zero, zero, out, out)
			return []vec{out}
		}},
	{name: "squareBetween", doc: "dst = up·h where not h² ≤ low, not h² ≥ high and mask ≠ 0, else 0, h = max(0, k·x + c)",
		writes: "dst", reads: "x mask", scalars: "up k c low high",
		body: func(a *asm, in, k []vec) []vec {
			a.hinges(in[:1], k[1:3])
			t, zero, out := a.reg(), a.reg(), a.reg()
			a.zero(zero)
			a.mul(in[0], in[0], t)
			a.mul(k[0], in[0], out)
			a.choose(notLessOrEqual, t, k[3], out, zero, out)
			a.choose(notGreaterOrEqual, t, k[4], out, zero, out)
			a.choose(equal, in[1], zero, zero, out, out)
			return []vec{out}
		}},
	{name: "spanGrad", doc: "dst += k where from ≤ x − at and not x − at ≥ to", updates: "dst", reads: "x", scalars: "k at from to",
		body: func(a *asm, in, k []vec) []vec {
			zero, step := a.reg(), a.reg()
			a.zero(zero)
			a.sub(k[1], in[1], in[1])
			a.choose(greaterOrEqual, in[1], k[2], k[0], zero, step)
			a.choose(notGreaterOrEqual, in[1], k[3], step, zero, step)
			return a.into(in[0], a.add, step, in[0])
		}},
	{name: "apart", doc: "dst = √d, d = norms + norm − 2·dots; −1 where not d > near·(norms + norm) + tiny",
		writes: "dst", reads: "dots norms", scalars: "norm near tiny",
		body: func(a *asm, in, k []vec) []vec {
			d, bound := a.squares(in, k)
			root := a.reg()
			a.VSQRTPS(d, root)
			a.choose(notGreater, d, bound, a.constant(-1), root, root)
			return []vec{root}
		}},
	{name: "apartSquared", doc: "dst = d, d = norms + norm − 2·dots; −1 where not d > near·(norms + norm) + tiny",
		writes: "dst", reads: "dots norms", scalars: "norm near tiny",
		body: func(a *asm, in, k []vec) []vec {
			d, bound := a.squares(in, k)
			a.choose(notGreater, d, bound, a.constant(-1), d, d)
			return []vec{d}
		}},
	{name: "pull", doc: "dst = (grad + back)/d; 0 there, and −1 instead of 0 in flag, where not d² > near·(norms + norm) + tiny",
		writes: "dst flag", reads: "grad back d norms", scalars: "norm near tiny",
		body: func(a *asm, in, k []vec) []vec {
			t := a.reg()
			a.mul(in[2], in[2], t)
			a.add(in[1], in[0], in[0])
			a.div(in[2], in[0], in[0])
			return a.flagged(in[0], t, in[3], k)
		}},
	{name: "pullSquared", doc: "dst = 2·(grad + back); 0 there, and −1 instead of 0 in flag, where not d > near·(norms + norm) + tiny",
		writes: "dst flag", reads: "grad back d norms", scalars: "norm near tiny",
		body: func(a *asm, in, k []vec) []vec {
			a.add(in[1], in[0], in[0])
			a.add(in[0], in[0], in[0])
			return a.flagged(in[0], in[2], in[3], k)
		}},
}

func (a *asm) indicator(predicate uint8, x, y vec) vec {
	zero := a.reg()
	a.zero(zero)
	a.choose(predicate, x, y, a.constant(1), zero, zero)
	return zero
}

// extreme is the larger or smaller of x and y by an instruction that gives its second
// source, y, if one is NaN.
func (a *asm) extreme(x, y vec, op func(...operand.Op)) vec {
	m := a.reg()
	op(y, x, m)
	a.choose(unordered, x, x, x, m, m)
	return m
}

// root is √max(x, 0); NaN stays.
func (a *asm) root(x vec) vec {
	zero := a.reg()
	a.zero(zero)
	a.max(x, zero, x)
	a.pick(a.VSQRTPS, a.VSQRTPD)(x, x)
	return x
}

// sigmoid is 1/(1 + e⁻ˣ), in a register of its own: of e = e^−|x| it is e/(1 + e) where x
// is below 0 and 1/(1 + e) elsewhere.
func (a *asm) sigmoid(x vec) vec {
	e, below, one := a.reg(), a.reg(), a.constant(1)
	a.or(a.word(0x80000000), x, e)
	e = a.exp(e)
	zero := a.reg()
	a.zero(zero)
	a.choose(less, x, zero, e, one, below)
	a.add(one, e, e)
	a.div(e, below, below)
	a.choose(unordered, x, x, x, below, below)
	return below
}

// softplus is max(x, 0) + ln(1 + e), e = e^−|x|; ln(1 + e) is corrected for what is lost
// of e in u = 1 + e, as ln(u)·e/(u − 1).
func (a *asm) softplus(x vec) vec {
	zero, one := a.reg(), a.constant(1)
	a.zero(zero)
	e, u, rest := a.reg(), a.reg(), a.reg()
	a.or(a.word(0x80000000), x, e)
	e = a.exp(e)
	a.add(one, e, u)
	a.sub(one, u, rest)
	a.div(rest, e, rest) // NaN where e is lost wholly
	gone := a.reg()
	a.move(u, gone)
	l := a.log(u)
	a.mul(rest, l, l)
	a.choose(equal, gone, one, e, l, l)
	m := a.reg()
	a.max(x, zero, m)
	a.add(m, l, l)
	return l
}

// squares is norms + norm − 2·dots and its bound.
func (a *asm) squares(in, k []vec) (d, bound vec) {
	t := a.reg()
	a.add(k[0], in[1], t)
	a.add(in[0], in[0], in[0])
	a.sub(in[0], t, in[0])
	a.mul(k[1], t, t)
	a.add(k[2], t, t)
	return in[0], t
}

// flagged is w, and 0 with the flag −1 where not d > k[1]·(norms + k[0]) + k[2].
func (a *asm) flagged(w, d, norms vec, k []vec) []vec {
	zero, flag := a.reg(), a.reg()
	a.zero(zero)
	a.add(k[0], norms, norms)
	a.mul(k[1], norms, norms)
	a.add(k[2], norms, norms)
	a.choose(notGreater, d, norms, zero, w, w)
	a.choose(notGreater, d, norms, a.constant(-1), zero, flag)
	return []vec{w, flag}
}
