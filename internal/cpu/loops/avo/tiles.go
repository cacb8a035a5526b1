package main

import (
	"bytes"
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Transforms of Winograd's convolution F(4×4, 3×3) (A. Lavin and S. Gray, "Fast Algorithms
// for Convolutional Neural Networks", CVPR 2016) with the points 0, ±√½, ±√2 and infinity,
// whose errors are smaller than those of 0, ±1, ±2. A vector holds channels.

// Offsets in tileArgs.
const (
	tilePixels = 8 * iota
	tileElements
	tileTable
	tileScratch
	tileTiles
	tileVectors
	tileTableStep
	tilePixelStep
	tileElementStep
	tileElement
	tileBias
	tileScale
	tileFloor
	tileTap
	tileAhead
	tileProducts
	tileProduct
)

const (
	pointA = math.Sqrt2 / 2
	pointB = math.Sqrt2
)

// linear is a transform along one axis: out[i] = Σ matrix[i][j]·in[j].
type linear struct {
	in, out   int
	constants []float64
	apply     func(t *transform, in []vec) []vec
}

var (
	// The inputs' transform, Bᵀ.
	inputAxis = linear{6, 6, []float64{2.5, 2, 0.5, pointA, pointB}, func(t *transform, d []vec) []vec {
		r0, r5 := t.sum(d[0], d[4]), t.sum(d[1], d[5])
		t.less(2.5, d[2], r0)
		t.less(2.5, d[3], r5)
		evenA, oddA := t.copy(d[4]), t.copy(d[3])
		t.less(2, d[2], evenA)
		t.less(2, d[1], oddA)
		t.less(0.5, d[2], d[4])
		t.less(0.5, d[1], d[3])
		r1, r2 := t.twin(evenA, pointA, oddA)
		r3, r4 := t.twin(d[4], pointB, d[3])
		return []vec{r0, r1, r2, r3, r4, r5}
	}}
	// The results' transform, Aᵀ.
	outputAxis = linear{6, 4, []float64{0.5, 2, pointA, pointB, pointA / 2, 2 * pointB}, func(t *transform, m []vec) []vec {
		sumA, difA, sumB, difB := t.sum(m[1], m[2]), t.difference(m[1], m[2]), t.sum(m[3], m[4]), t.difference(m[3], m[4])
		t.add(sumA, m[0], m[0])
		t.add(sumB, m[0], m[0])
		y1, y2 := t.times(pointA, difA), t.times(0.5, sumA)
		t.more(pointB, difB, y1)
		t.more(2, sumB, y2)
		t.more(pointA/2, difA, m[5])
		t.more(2*pointB, difB, m[5])
		return []vec{m[0], y1, y2, m[5]}
	}}
	// The transform of gradients to results, A.
	gradAxis = linear{4, 6, []float64{0.5, 2, pointA, pointB}, func(t *transform, y []vec) []vec {
		evenA, evenB, oddA, oddB := t.copy(y[0]), t.copy(y[0]), t.copy(y[1]), t.copy(y[1])
		t.more(0.5, y[2], evenA)
		t.more(2, y[2], evenB)
		t.more(0.5, y[3], oddA)
		t.more(2, y[3], oddB)
		r1, r2 := t.twin(evenA, pointA, oddA)
		r3, r4 := t.twin(evenB, pointB, oddB)
		return []vec{y[0], r1, r2, r3, r4, y[3]}
	}}
	// The transform of gradients to windows, Gᵀ.
	weightAxis = linear{6, 3, []float64{-2. / 3, 1. / 6, -2. / 3 * pointA, pointB / 6, -1. / 3, 1. / 3}, func(t *transform, m []vec) []vec {
		sumA, difA, sumB, difB := t.sum(m[1], m[2]), t.difference(m[1], m[2]), t.sum(m[3], m[4]), t.difference(m[3], m[4])
		t.more(-2./3, sumA, m[0])
		t.more(1./6, sumB, m[0])
		g1 := t.times(-2./3*pointA, difA)
		t.more(pointB/6, difB, g1)
		t.more(-1./3, sumA, m[5])
		t.more(1./3, sumB, m[5])
		return []vec{m[0], g1, m[5]}
	}}
)

// transform writes one of the kernels.
type transform struct {
	*asm
	constant map[float64]reg.VecVirtual
}

// fetch brings constants into registers.
func (t *transform) fetch(constants []float64) {
	for _, k := range constants {
		m := t.StaticGlobal(fmt.Sprintf("tile%d", t.serial()))
		t.DataAttributes(attr.RODATA | attr.NOPTR)
		t.AppendDatum(operand.F32(k))
		t.constant[k] = t.reg()
		t.VBROADCASTSS(m, t.constant[k])
	}
}

func (t *transform) sum(x, y vec) vec {
	r := t.reg()
	t.add(x, y, r)
	return r
}

// difference is x − y.
func (t *transform) difference(x, y vec) vec {
	r := t.reg()
	t.sub(y, x, r)
	return r
}

func (t *transform) copy(x vec) vec {
	r := t.reg()
	t.VMOVAPS(x, r)
	return r
}

func (t *transform) times(k float64, x vec) vec {
	r := t.reg()
	t.mul(t.constant[k], x, r)
	return r
}

// more adds k·x to sum.
func (t *transform) more(k float64, x, sum vec) { t.VFMADD231PS(t.constant[k], x, sum) }

// less takes k·x from sum.
func (t *transform) less(k float64, x, sum vec) { t.VFNMADD231PS(t.constant[k], x, sum) }

// twin is even ± k·odd.
func (t *transform) twin(even vec, k float64, odd vec) (plus, minus vec) {
	minus = t.copy(even)
	t.more(k, odd, even)
	t.less(k, odd, minus)
	return even, minus
}

func emitTiles(c *build.Context, decl *bytes.Buffer) {
	for _, i := range []isa{avx512, avx2} {
		tileKernel(c, i, "tileInput", inputAxis, true, decl)
		tileKernel(c, i, "tileOutput", outputAxis, false, decl)
		tileKernel(c, i, "tileGrad", gradAxis, true, decl)
		emitFilter(c, i, decl)
		tileKernel(c, i, "tileWeight", weightAxis, false, decl)
	}
}

// tileKernel applies a transform along both axes: from pixels, which stand where a table
// says, to elements, which stand a fixed step apart; or the other way.
func tileKernel(c *build.Context, i isa, name string, axis linear, fromPixels bool, decl *bytes.Buffer) {
	t := &transform{asm: &asm{Context: c, isa: i, elem: f32}, constant: map[float64]reg.VecVirtual{}}
	fmt.Fprintf(decl, "\n//go:noescape\nfunc %s%s(args *tileArgs)\n", name, i.name)
	c.Function(name + i.name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(args uintptr)")
	args := c.Load(c.Param("args"), c.GP64())
	field := func(off int) operand.Mem { return operand.Mem{Base: args, Disp: off} }
	get := func(off int) reg.GPVirtual {
		r := c.GP64()
		c.MOVQ(field(off), r)
		return r
	}
	t.fetch(axis.constants)
	pixels, elements, table, scratch := get(tilePixels), get(tileElements), get(tileTable), get(tileScratch)
	tiles, step := get(tileTiles), get(tileElement)
	from, to, vectors, at, bias, scale := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
	saved := func(i, j int) operand.Mem {
		return operand.Mem{Base: scratch, Disp: (i*6 + j) * t.isa.bytes}
	}
	pixel := func(n int) operand.Mem {
		c.MOVQ(operand.Mem{Base: table, Disp: 8 * n}, at)
		return operand.Mem{Base: from, Index: at, Scale: 1}
	}
	c.Label("tile")
	c.MOVQ(pixels, from)
	c.MOVQ(elements, to)
	if name == "tileOutput" {
		c.MOVQ(field(tileBias), bias)
		c.MOVQ(field(tileScale), scale)
	}
	c.MOVQ(field(tileVectors), vectors)
	c.Label("vector")
	if fromPixels {
		for j := range axis.in {
			in := make([]vec, axis.in)
			for i := range in {
				in[i] = t.reg()
				t.load(pixel(i*axis.in+j), in[i])
			}
			for i, r := range axis.apply(t, in) {
				t.store(r, saved(i, j))
			}
		}
		p := c.GP64()
		c.MOVQ(to, p)
		for i := range axis.out {
			in := make([]vec, axis.in)
			for j := range in {
				in[j] = t.reg()
				t.load(saved(i, j), in[j])
			}
			for _, r := range axis.apply(t, in) {
				t.store(r, operand.Mem{Base: p})
				c.ADDQ(step, p)
			}
		}
	} else {
		p := c.GP64()
		c.MOVQ(to, p)
		for i := range axis.in {
			in := make([]vec, axis.in)
			for j := range in {
				in[j] = t.reg()
				t.load(operand.Mem{Base: p}, in[j])
				c.ADDQ(step, p)
			}
			for j, r := range axis.apply(t, in) {
				t.store(r, saved(i, j))
			}
		}
		for j := range axis.out {
			in := make([]vec, axis.in)
			for i := range in {
				in[i] = t.reg()
				t.load(saved(i, j), in[i])
			}
			for i, r := range axis.apply(t, in) {
				if name == "tileOutput" {
					times := t.reg()
					t.load(operand.Mem{Base: scale}, times)
					c.VFMADD213PS(operand.Mem{Base: bias}, times, r)
					low := t.reg()
					c.VBROADCASTSS(field(tileFloor), low)
					t.max(r, low, r)
				}
				t.store(r, pixel(i*axis.out+j))
			}
		}
		if name == "tileOutput" {
			c.ADDQ(operand.Imm(uint64(t.isa.bytes)), bias)
			c.ADDQ(operand.Imm(uint64(t.isa.bytes)), scale)
		}
	}
	c.ADDQ(operand.Imm(uint64(t.isa.bytes)), from)
	c.ADDQ(operand.Imm(uint64(t.isa.bytes)), to)
	c.DECQ(vectors)
	c.JNZ(operand.LabelRef("vector"))
	c.ADDQ(field(tileTableStep), table)
	c.ADDQ(field(tilePixelStep), pixels)
	c.ADDQ(field(tileElementStep), elements)
	c.DECQ(tiles)
	c.JNZ(operand.LabelRef("tile"))
	c.VZEROUPPER()
	c.RET()
}
