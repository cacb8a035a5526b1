package main

import "github.com/mmcloughlin/avo/operand"

// exp is eˣ, in the place of x: x = n·ln 2 + r, |r| ≤ ln 2/2, and a polynomial for eʳ
// (S. Moshier, Cephes mathematical library, expf).
func (a *asm) exp(x vec) vec {
	lowest, highest := a.constant(-104), a.constant(89) // beyond, the result is 0 or +∞
	a.max(x, lowest, x)
	a.pick(a.VMINPS, a.VMINPD)(x, highest, x)
	n, t := a.reg(), a.reg()
	a.mul(x, a.constant(1.44269504088896341), t)
	const nearest = operand.U8(8)
	if a.opmask {
		a.VRNDSCALEPS(nearest, t, n)
	} else {
		a.VROUNDPS(nearest, t, n)
	}
	a.VFNMADD231PS(a.constant(0.693359375), n, x)
	a.VFNMADD231PS(a.constant(-2.12194440e-4), n, x)
	y := a.horner(x, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	a.mul(x, x, t)
	a.VFMADD213PS(x, t, y) // y = y·x² + x
	a.add(a.constant(1), y, y)
	if a.opmask {
		a.VSCALEFPS(n, y, y)
		return y
	}
	// 2ⁿ in two factors: one alone cannot make a denormal number.
	first, second := a.reg(), a.reg()
	a.VCVTPS2DQ(n, n)
	a.VPSRAD(operand.U8(1), n, first)
	a.VPSUBD(first, n, second)
	bias := a.word(127)
	for _, half := range []vec{first, second} {
		a.VPADDD(bias, half, half)
		a.VPSLLD(operand.U8(23), half, half)
		a.mul(half, y, y)
	}
	return y
}

// horner is a polynomial, the highest coefficient first.
func (a *asm) horner(x vec, coefficients ...float64) vec {
	y := a.constant(coefficients[0])
	for _, c := range coefficients[1:] {
		a.VFMADD213PS(a.constant(c), x, y)
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
