package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
)

// exp is eˣ, in the place of x: x = n·ln 2 + r, |r| ≤ ln 2/2, and a polynomial for eʳ
// (S. Moshier, Cephes mathematical library, expf).
func (a *asm) exp(x vec) vec { return a.exps([]vec{x})[0] }

// exps is exp of several vectors, one operation of all before the next: a processor that looks only so many
// operations ahead would wait for each result of a single one.
func (a *asm) exps(x []vec) []vec {
	each := func(do func(i int)) {
		for i := range x {
			do(i)
		}
	}
	n, y := make([]vec, len(x)), make([]vec, len(x))
	each(func(i int) { n[i] = a.reg() })
	bound := a.constant(-104) // beyond, the result is 0 or +∞
	each(func(i int) { a.max(x[i], bound, x[i]) })
	bound = a.constant(89)
	each(func(i int) { a.pick(a.VMINPS, a.VMINPD)(x[i], bound, x[i]) })
	each(func(i int) { a.mul(a.factor(1.44269504088896341), x[i], n[i]) })
	const nearest = operand.U8(8)
	each(func(i int) {
		if a.opmask {
			a.VRNDSCALEPS(nearest, n[i], n[i])
		} else {
			a.VROUNDPS(nearest, n[i], n[i])
		}
	})
	each(func(i int) { a.VFNMADD231PS(a.factor(0.693359375), n[i], x[i]) })
	each(func(i int) { a.VFNMADD231PS(a.factor(-2.12194440e-4), n[i], x[i]) })
	each(func(i int) { y[i] = a.constant(1.9875691500e-4) })
	for _, c := range []float64{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		each(func(i int) { a.VFMADD213PS(a.factor(c), x[i], y[i]) })
	}
	each(func(i int) {
		square := a.reg()
		a.mul(x[i], x[i], square)
		a.VFMADD213PS(x[i], square, y[i]) // y = y·x² + x
	})
	each(func(i int) { a.add(a.factor(1), y[i], y[i]) })
	if a.opmask {
		each(func(i int) { a.VSCALEFPS(n[i], y[i], y[i]) })
		return y
	}
	// 2ⁿ in two factors: one alone cannot make a denormal number. x is free to hold the first one.
	each(func(i int) { a.VCVTPS2DQ(n[i], n[i]) })
	each(func(i int) { a.VPSRAD(operand.U8(1), n[i], x[i]) })
	each(func(i int) { a.VPSUBD(x[i], n[i], n[i]) })
	for _, half := range [][]vec{x, n} {
		each(func(i int) { a.VPADDD(a.factorBits(127), half[i], half[i]) })
		each(func(i int) { a.VPSLLD(operand.U8(23), half[i], half[i]) })
		each(func(i int) { a.mul(half[i], y[i], y[i]) })
	}
	return y
}

// factor is a number, the same in all lanes, as the operand of an instruction that may come from memory: on AVX2 it
// takes no instruction of its own and no register.
func (a *asm) factor(v float64) operand.Op { return a.factorBits(math.Float32bits(float32(v))) }

func (a *asm) factorBits(v uint32) operand.Op {
	if a.opmask {
		return a.word(v)
	}
	m, ok := a.vectors[v]
	if !ok {
		m = a.StaticGlobal(fmt.Sprintf("vector%s%08x", a.name, v))
		a.DataAttributes(attr.RODATA | attr.NOPTR)
		for range a.isa.bytes / 4 {
			a.AppendDatum(operand.U32(v))
		}
		a.vectors[v] = m
	}
	return m
}

// horner is a polynomial, the highest coefficient first.
func (a *asm) horner(x vec, coefficients ...float64) vec {
	y := a.constant(coefficients[0])
	for _, c := range coefficients[1:] {
		a.VFMADD213PS(a.factor(c), x, y)
	}
	return y
}

// log is ln x: x = 2ᵉ·m with m from √½ to √2, and a polynomial for ln m (S. Moshier,
// Cephes mathematical library, logf).
func (a *asm) log(x vec) vec {
	arg := a.reg()
	a.move(x, arg)
	e, t := a.reg(), a.reg()
	// Denormal numbers are scaled up.
	normal := a.constant(1.17549435e-38)
	a.mul(a.constant(1<<23), x, t)
	a.choose(less, x, normal, a.constant(-126-23), a.constant(-126), e)
	a.choose(less, arg, normal, t, x, x)
	a.VPSRLD(operand.U8(23), x, t)
	a.VCVTDQ2PS(t, t)
	a.add(t, e, e)
	m := a.reg()
	a.and(a.word(0x007fffff), x, m)
	a.or(a.word(0x3f000000), m, m) // from ½ to 1
	root, one := a.constant(0.707106781186547524), a.constant(1)
	a.sub(one, e, t)
	a.choose(less, m, root, t, e, e)
	a.add(m, m, t)
	a.choose(less, m, root, t, m, m)
	a.sub(one, m, m)

	y := a.horner(m, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	z := a.reg()
	a.mul(m, m, z)
	a.mul(m, y, y)
	a.mul(z, y, y)
	a.VFMADD231PS(a.constant(-2.12194440e-4), e, y)
	a.VFNMADD231PS(a.constant(0.5), z, y)
	a.add(m, y, y)
	a.VFMADD231PS(a.constant(0.693359375), e, y)

	zero := a.reg()
	a.zero(zero)
	infinity := a.word(0x7f800000)
	a.choose(equal, arg, infinity, infinity, y, y)
	a.choose(equal, arg, zero, a.word(0xff800000), y, y)
	a.choose(notGreaterOrEqual, arg, zero, a.word(0x7fc00000), y, y) // negative, or NaN
	return y
}

func (a *asm) move(from, to vec) { a.VMOVAPS(from, to) }

// choose is yes where x and y compare as predicate says, and no elsewhere.
func (a *asm) choose(predicate uint8, x, y, yes, no, dst vec) {
	if a.opmask {
		k := a.K()
		a.VCMPPS(operand.U8(predicate), y, x, k)
		a.VBLENDMPS(yes, no, k, dst)
		return
	}
	m := a.reg()
	a.VCMPPS(operand.U8(predicate), y, x, m)
	a.VBLENDVPS(m, yes, no, dst)
}

func (a *asm) and(x, y operand.Op, r vec) {
	if a.opmask {
		a.VPANDD(x, y, r)
		return
	}
	a.VPAND(x, y, r)
}

func (a *asm) or(x, y operand.Op, r vec) {
	if a.opmask {
		a.VPORD(x, y, r)
		return
	}
	a.VPOR(x, y, r)
}
