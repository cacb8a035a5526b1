package main

// activationKernels are what nets with transformers and mobile nets have between layers.
var activationKernels = []elementwise{
	{name: "gelu", doc: "dst = x·Φ(x)", writes: "dst", reads: "x",
		body: func(a *asm, in, _ []vec) []vec {
			phi, _ := a.normalShare(in[0])
			return a.into(in[0], a.mul, phi, in[0])
		}},
	{name: "geluGrad", doc: "dst = dy·(Φ(x) + x·φ(x))", writes: "dst", reads: "x dy",
		body: func(a *asm, in, _ []vec) []vec {
			phi, e := a.normalShare(in[0])
			a.mul(a.constant(0.398942280401432678), e, e) // 1/√2π
			a.mul(in[0], e, e)
			a.add(phi, e, e)
			return a.into(in[0], a.mul, e, in[1])
		}},
	{name: "swish", doc: "dst = x/(1 + e^(−k·x))", writes: "dst", reads: "x", scalars: "k",
		body: func(a *asm, in, k []vec) []vec {
			t := a.reg()
			a.mul(k[0], in[0], t)
			return a.into(in[0], a.mul, a.sigmoid(t), in[0])
		}},
	{name: "swishGrad", doc: "dst = dy·(σ + k·x·σ·(1 − σ)), σ = 1/(1 + e^(−k·x))", writes: "dst", reads: "x dy", scalars: "k",
		body: func(a *asm, in, k []vec) []vec {
			a.mul(k[0], in[0], in[0])
			return a.into(in[0], a.mul, a.gateGrad(in[0], in[0]), in[1])
		}},
	{name: "geluTanh", doc: "dst = x/(1 + e^−x·(k + c·x²))", writes: "dst", reads: "x", scalars: "k c",
		body: func(a *asm, in, k []vec) []vec {
			t := a.reg()
			a.mul(in[0], in[0], t)
			a.mul(k[1], t, t)
			a.add(k[0], t, t)
			a.mul(in[0], t, t)
			return a.into(in[0], a.mul, a.sigmoid(t), in[0])
		}},
	{name: "geluTanhGrad", doc: "dst = dy·(σ + x·(k + 3·c·x²)·σ·(1 − σ)), σ = 1/(1 + e^−x·(k + c·x²))", writes: "dst", reads: "x dy", scalars: "k c",
		body: func(a *asm, in, k []vec) []vec {
			t, slope := a.reg(), a.reg()
			a.mul(in[0], in[0], t)
			a.mul(k[1], t, t)
			a.add(t, t, slope)
			a.add(t, slope, slope)
			a.add(k[0], slope, slope)
			a.mul(in[0], slope, slope)
			a.add(k[0], t, t)
			a.mul(in[0], t, t)
			return a.into(in[0], a.mul, a.gateGrad(t, slope), in[1])
		}},
	{name: "hardSwish", doc: "dst = x·min(max(x/6 + ½, 0), 1)", writes: "dst", reads: "x",
		body: func(a *asm, in, _ []vec) []vec {
			t, zero := a.reg(), a.reg()
			a.zero(zero)
			a.mul(a.constant(1./6), in[0], t)
			a.add(a.constant(0.5), t, t)
			a.max(t, zero, t)
			a.pick(a.VMINPS, a.VMINPD)(t, a.constant(1), t)
			return a.into(in[0], a.mul, t, in[0])
		}},
	{name: "hardSwishGrad", doc: "dst = dy·(x/3 + ½), 0 where x < −3 and dy where x > 3", writes: "dst", reads: "x dy",
		body: func(a *asm, in, _ []vec) []vec {
			t, zero := a.reg(), a.reg()
			a.zero(zero)
			a.mul(a.constant(1./3), in[0], t)
			a.add(a.constant(0.5), t, t)
			a.mul(in[1], t, t)
			a.choose(less, in[0], a.constant(-3), zero, t, t)
			a.choose(greater, in[0], a.constant(3), in[1], t, t)
			return []vec{t}
		}},
	{name: "layerNorm", doc: "dst = (x − mean)·scale·gamma + beta", writes: "dst", reads: "x gamma beta", scalars: "mean scale",
		body: func(a *asm, in, k []vec) []vec {
			a.sub(k[0], in[0], in[0])
			a.mul(k[1], in[0], in[0])
			a.mul(in[1], in[0], in[0])
			return a.into(in[0], a.add, in[2], in[0])
		}},
	{name: "layerNormParamsGrad", doc: "dgamma += dy·((x − mean)·scale), dbeta += dy", updates: "dgamma dbeta", reads: "x dy", scalars: "mean scale",
		body: func(a *asm, in, k []vec) []vec {
			a.sub(k[0], in[2], in[2])
			a.mul(k[1], in[2], in[2])
			a.mul(in[3], in[2], in[2])
			a.add(in[2], in[0], in[0])
			a.add(in[3], in[1], in[1])
			return in[:2]
		}},
}

// normalShare is Φ(x), and e^(−x²/2). Of q = Φ(−|x|) it is q where x is below 0 and 1 − q elsewhere; q is
// e^(−x²/2) times a polynomial in t = 1/(1 + 0.3·|x|), fitted to the least relative error, 1.6·10⁻⁷.
func (a *asm) normalShare(x vec) (phi, e vec) {
	e, t := a.reg(), a.reg()
	a.mul(x, x, e)
	a.mul(a.constant(-0.5), e, e)
	e = a.exp(e)
	one := a.constant(1)
	a.and(a.word(0x7fffffff), x, t)
	a.mul(a.constant(0.3), t, t)
	a.add(one, t, t)
	a.div(t, one, t)
	q := a.horner(t, 0.035151766617640606, -0.1549870867866632, 0.20247655625993596, -0.05006948011718256,
		0.12663223589272804, 0.1005003602950787, 0.12066022049262097, 0.11963534703635939)
	a.mul(t, q, q)
	a.mul(e, q, q)
	phi = a.reg()
	zero := a.reg()
	a.zero(zero)
	rest := a.constant(1)
	a.sub(q, rest, rest)
	a.choose(less, x, zero, q, rest, phi)
	return phi, e
}

// gateGrad is σ + slope·σ·(1 − σ), σ = 1/(1 + e⁻ᵗ).
func (a *asm) gateGrad(t, slope vec) vec {
	s, rest := a.sigmoid(t), a.constant(1)
	a.sub(s, rest, rest)
	a.mul(s, rest, rest)
	a.mul(slope, rest, rest)
	a.add(s, rest, rest)
	return rest
}
