package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// elementwise is a function of slices of float32, element by element. Its arithmetic is
// that of the loop in package loops, operation by operation, so that the two agree to the
// last bit; only exp and log use fused multiply-adds.
type elementwise struct {
	name    string
	doc     string
	writes  string // pointers written only
	updates string // pointers read and written
	reads   string // pointers read only
	scalars string // numbers, the same for all elements
	// body computes what is written and updated from what is updated and read.
	body func(a *asm, in, k []vec) []vec
	// several, if there is one, does the same for several vectors at once on AVX2, to the one slice that is
	// written; load reads the i-th vector of a slice.
	several func(a *asm, load func(slice string, i int) vec, k []vec) []vec
}

// atOnce is how many vectors several takes: more would not fit the registers.
const atOnce = 4

var elementwiseKernels = []elementwise{
	{name: "add", doc: "dst = x + y", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return a.into(in[0], a.add, in[1], in[0]) }},
	{name: "sub", doc: "dst = x − y", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return a.into(in[0], a.sub, in[1], in[0]) }},
	{name: "mul", doc: "dst = x·y", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec { return a.into(in[0], a.mul, in[1], in[0]) }},
	{name: "axpy", doc: "dst += k·x", updates: "dst", reads: "x", scalars: "k",
		body: func(a *asm, in, k []vec) []vec {
			a.mul(in[1], k[0], in[1])
			return a.into(in[0], a.add, in[1], in[0])
		}},
	{name: "affine", doc: "dst = k·x + c", writes: "dst", reads: "x", scalars: "k c",
		body: func(a *asm, in, k []vec) []vec {
			a.mul(in[0], k[0], in[0])
			return a.into(in[0], a.add, k[1], in[0])
		}},
	{name: "mulAffine", doc: "dst = x·(k·y + c)", writes: "dst", reads: "x y", scalars: "k c",
		body: func(a *asm, in, k []vec) []vec { return []vec{a.mulAffine(in[0], in[1], k)} }},
	{name: "addMulAffine", doc: "dst += x·(k·y + c)", updates: "dst", reads: "x y", scalars: "k c",
		body: func(a *asm, in, k []vec) []vec { return a.into(in[0], a.add, a.mulAffine(in[1], in[2], k), in[0]) }},
	{name: "relu", doc: "dst = max(0, x); a NaN stays", writes: "dst", reads: "x",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.relu(in[0])} }},
	{name: "reluGrad", doc: "dst = dy, and 0 where y ≤ 0", writes: "dst", reads: "y dy",
		body: func(a *asm, in, _ []vec) []vec { return []vec{a.keepAbove(in[0], in[1])} }},
	{name: "addRelu", doc: "dst = max(0, x + y); a NaN stays", writes: "dst", reads: "x y",
		body: func(a *asm, in, _ []vec) []vec {
			a.add(in[1], in[0], in[0])
			return []vec{a.relu(in[0])}
		}},
	{name: "normalize", doc: "dst = (x − mean)·scale + shift", writes: "dst", reads: "x", scalars: "mean scale shift",
		body: func(a *asm, in, k []vec) []vec { return []vec{a.normalize(in[0], k)} }},
	{name: "normalizeRelu", doc: "dst = max(0, (x − mean)·scale + shift)", writes: "dst", reads: "x", scalars: "mean scale shift",
		body: func(a *asm, in, k []vec) []vec { return []vec{a.relu(a.normalize(in[0], k))} }},
	{name: "normalizeGrad", doc: "dst = scale·(dy − level − (x − mean)·slope)",
		writes: "dst", reads: "x dy", scalars: "mean scale level slope",
		body: func(a *asm, in, k []vec) []vec {
			a.sub(k[0], in[0], in[0])
			return []vec{a.normalizeGrad(in[0], in[1], k[1], k[2], k[3])}
		}},
	{name: "normalizeReluGrad", doc: "dst = scale·(d − level − (x − mean)·slope) where d is dy, and 0 where (x − mean)·scale + shift ≤ 0",
		writes: "dst", reads: "x dy", scalars: "mean scale shift level slope",
		body: func(a *asm, in, k []vec) []vec {
			out := a.reg()
			a.sub(k[0], in[0], in[0])
			a.mul(k[1], in[0], out)
			a.add(k[2], out, out)
			return []vec{a.normalizeGrad(in[0], a.keepAbove(out, in[1]), k[1], k[3], k[4])}
		}},
	{name: "sgd", doc: "d = g·scale + decay·w; w −= lr·d", updates: "w", reads: "grad", scalars: "scale decay lr",
		body: func(a *asm, in, k []vec) []vec {
			w, d := in[0], a.decayed(in[1], in[0], k)
			a.mul(k[2], d, d)
			return a.into(w, a.sub, d, w)
		}},
	{name: "momentum", doc: "d = g·scale + decay·w; v = mu·v + d; w −= lr·v", updates: "w v", reads: "grad", scalars: "scale decay lr mu",
		body: func(a *asm, in, k []vec) []vec {
			w, v, d := in[0], in[1], a.decayed(in[2], in[0], k)
			a.mul(k[3], v, v)
			a.add(d, v, v)
			a.mul(k[2], v, d)
			a.sub(d, w, w)
			return []vec{w, v}
		}},
	{name: "nesterov", doc: "d = g·scale + decay·w; v = mu·v + d; w −= lr·(d + mu·v)", updates: "w v", reads: "grad", scalars: "scale decay lr mu",
		body: func(a *asm, in, k []vec) []vec {
			w, v, d, t := in[0], in[1], a.decayed(in[2], in[0], k), a.reg()
			a.mul(k[3], v, v)
			a.add(d, v, v)
			a.mul(k[3], v, t)
			a.add(t, d, d)
			a.mul(k[2], d, d)
			a.sub(d, w, w)
			return []vec{w, v}
		}},
	{name: "adam", doc: "x = w·keep; d = g·scale + decay·x; m += b1·(d − m); v = b2·v + c2·d²; w = x − rate·m / (√v/root + eps)",
		updates: "w m v", reads: "grad", scalars: "scale decay keep b1 b2 c2 rate root eps",
		body: func(a *asm, in, k []vec) []vec {
			w, m, v := in[0], in[1], in[2]
			a.mul(k[2], w, w)
			d, t := a.decayed(in[3], w, k), a.reg()
			a.sub(m, d, t)
			a.mul(k[3], t, t)
			a.add(t, m, m)
			a.mul(d, d, d)
			a.mul(k[5], d, d)
			a.mul(k[4], v, v)
			a.add(d, v, v)
			a.pick(a.VSQRTPS, a.VSQRTPD)(v, t)
			a.div(k[7], t, t)
			a.add(k[8], t, t)
			a.mul(k[6], m, d)
			a.div(t, d, d)
			a.sub(d, w, w)
			return []vec{w, m, v}
		}},
	{name: "rmsprop", doc: "d = g·scale + decay·w; v = a·v + c·d²; w −= lr·d / (√v + eps)",
		updates: "w v", reads: "grad", scalars: "scale decay lr a c eps",
		body: func(a *asm, in, k []vec) []vec {
			w, v, d, t := in[0], in[1], a.decayed(in[2], in[0], k), a.reg()
			a.mul(d, d, t)
			a.mul(k[4], t, t)
			a.mul(k[3], v, v)
			a.add(t, v, v)
			a.pick(a.VSQRTPS, a.VSQRTPD)(v, t)
			a.add(k[5], t, t)
			a.div(t, d, d)
			a.mul(k[2], d, d)
			a.sub(d, w, w)
			return []vec{w, v}
		}},
	{name: "exp", doc: "dst = eˣ", writes: "dst", reads: "x", body: func(a *asm, in, _ []vec) []vec { return []vec{a.exp(in[0])} },
		several: func(a *asm, load func(string, int) vec, _ []vec) []vec {
			var x []vec
			for i := range atOnce {
				x = append(x, load("x", i))
			}
			return a.exps(x)
		}},
	{name: "log", doc: "dst = ln x", writes: "dst", reads: "x", body: func(a *asm, in, k []vec) []vec { return []vec{a.log(in[0])} }},
}

// into is an operation with its result in dst.
func (a *asm) into(dst vec, op func(x, y operand.Op, r vec), x, y operand.Op) []vec {
	op(x, y, dst)
	return []vec{dst}
}

// mulAffine is x·(k[0]·y + k[1]), in the place of y.
func (a *asm) mulAffine(x, y vec, k []vec) vec {
	a.mul(k[0], y, y)
	a.add(k[1], y, y)
	a.mul(x, y, y)
	return y
}

// decayed is g·k[0] + k[1]·w, in the place of g.
func (a *asm) decayed(g, w vec, k []vec) vec {
	t := a.reg()
	a.mul(k[0], g, g)
	a.mul(k[1], w, t)
	a.add(t, g, g)
	return g
}

func (a *asm) relu(x vec) vec {
	zero := a.reg()
	a.zero(zero)
	a.max(x, zero, x)
	return x
}

// keepAbove is v, and 0 where y ≤ 0; v stays where y is NaN.
func (a *asm) keepAbove(y, v vec) vec {
	zero, out := a.reg(), a.reg()
	a.zero(zero)
	if a.opmask {
		k := a.K()
		a.VCMPPS(operand.U8(notLessOrEqual), zero, y, k)
		a.VMOVUPS_Z(v, k, out)
		return out
	}
	a.VCMPPS(operand.U8(notLessOrEqual), zero, y, out)
	a.VANDPS(v, out, out)
	return out
}

// normalize is (x − k[0])·k[1] + k[2], in the place of x.
func (a *asm) normalize(x vec, k []vec) vec {
	a.sub(k[0], x, x)
	a.mul(k[1], x, x)
	a.add(k[2], x, x)
	return x
}

// normalizeGrad is scale·(d − level − u·slope), in the place of d.
func (a *asm) normalizeGrad(u, d vec, scale, level, slope vec) vec {
	a.sub(level, d, d)
	a.mul(slope, u, u)
	a.sub(u, d, d)
	a.mul(scale, d, d)
	return d
}

func emitVector(c *build.Context, decl *bytes.Buffer) {
	for _, set := range []isa{avx512, avx2} {
		a := &asm{Context: c, isa: set, elem: f32, constants: map[uint32]operand.Mem{}, vectors: map[uint32]operand.Mem{}}
		for _, e := range slices.Concat(elementwiseKernels, pointwiseKernels, activationKernels) {
			a.elementwise(e, decl)
		}
	}
	for _, r := range reductions {
		reduce(c, r, decl)
	}
	for _, s := range termSums {
		emitTermSums(c, s, decl)
	}
	for _, set := range []isa{avx512, avx2} {
		a := &asm{Context: c, isa: set, elem: f32, constants: map[uint32]operand.Mem{}, vectors: map[uint32]operand.Mem{}}
		a.isa.name += "row"
		a.extremes("rowMax", set.name, decl)
		a.extremes("rowMin", set.name, decl)
		a.span(set.name, decl)
		a.skip(set.name, decl)
		if set.name == avx2.name {
			a.places(set.name, decl)
		}
	}
}

// elementwise writes the loop over whole vectors and the partial one at the end.
func (a *asm) elementwise(e elementwise, decl *bytes.Buffer) {
	name := e.name + a.name
	writes, updates, reads, scalars := strings.Fields(e.writes), strings.Fields(e.updates), strings.Fields(e.reads), strings.Fields(e.scalars)
	pointers := append(append(append([]string(nil), writes...), updates...), reads...)
	signature := fmt.Sprintf("(%s *float32, n int", strings.Join(pointers, ", "))
	if len(scalars) > 0 {
		signature += fmt.Sprintf(", %s float32", strings.Join(scalars, ", "))
	}
	signature += ")"
	fmt.Fprintf(decl, "\n// %s: %s.\n//\n//go:noescape\nfunc %s%s\n", name, e.doc, name, signature)

	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	p := map[string]reg.Register{}
	for _, s := range pointers {
		p[s] = a.Load(a.Param(s), a.GP64())
	}
	n := a.Load(a.Param("n"), a.GP64())
	var k []vec
	for _, s := range scalars {
		addr, err := a.Param(s).Resolve()
		if err != nil {
			panic(err)
		}
		r := a.reg()
		a.broadcast(addr.Addr, r)
		k = append(k, r)
	}
	a.maskOfRest(n)
	whole := a.GP64()
	a.MOVQ(n, whole)
	a.SHRQ(operand.U8(log2(a.isa.bytes/4)), whole)
	a.JZ(operand.LabelRef("rest"))

	step := func(load func(operand.Op, vec), store func(vec, operand.Op)) {
		var in []vec
		for _, s := range append(append([]string(nil), updates...), reads...) {
			r := a.reg()
			load(operand.Mem{Base: p[s]}, r)
			in = append(in, r)
		}
		out := e.body(a, in, k)
		for i, s := range append(append([]string(nil), writes...), updates...) {
			store(out[i], operand.Mem{Base: p[s]})
		}
	}
	if e.several != nil && !a.opmask {
		a.group(e, p, whole, k)
	}
	a.Label("vector")
	step(a.load, a.store)
	for _, s := range pointers {
		a.ADDQ(operand.U8(a.isa.bytes), p[s])
	}
	a.DECQ(whole)
	a.JNZ(operand.LabelRef("vector"))
	a.Label("rest")
	a.ANDQ(operand.U8(a.isa.bytes/4-1), n)
	a.JZ(operand.LabelRef("done"))
	step(a.loadMasked, a.storeMasked)
	a.Label("done")
	a.VZEROUPPER()
	a.RET()
}

// group writes the loop over atOnce whole vectors.
func (a *asm) group(e elementwise, p map[string]reg.Register, whole reg.Register, k []vec) {
	a.SUBQ(operand.U8(atOnce), whole)
	a.JL(operand.LabelRef("few"))
	a.Label("group")
	out := e.several(a, func(slice string, i int) vec {
		r := a.reg()
		a.load(operand.Mem{Base: p[slice], Disp: i * a.isa.bytes}, r)
		return r
	}, k)
	for i, r := range out {
		a.store(r, operand.Mem{Base: p[e.writes], Disp: i * a.isa.bytes})
	}
	for _, slice := range append(strings.Fields(e.writes), strings.Fields(e.reads)...) {
		a.ADDQ(operand.U32(atOnce*a.isa.bytes), p[slice])
	}
	a.SUBQ(operand.U8(atOnce), whole)
	a.JGE(operand.LabelRef("group"))
	a.Label("few")
	a.ADDQ(operand.U8(atOnce), whole)
	a.JZ(operand.LabelRef("rest"))
}

// constantBits is a number in memory, by its bits: the same in all lanes.
func (a *asm) constantBits(v uint32) operand.Mem {
	m, ok := a.constants[v]
	if !ok {
		m = a.ConstData(fmt.Sprintf("word%s%08x", a.name, v), operand.U32(v))
		a.constants[v] = m
	}
	return m
}

func (a *asm) constant(v float64) vec {
	r := a.reg()
	a.VBROADCASTSS(a.constantBits(math.Float32bits(float32(v))), r)
	return r
}

func (a *asm) word(v uint32) vec {
	r := a.reg()
	a.VBROADCASTSS(a.constantBits(v), r)
	return r
}
