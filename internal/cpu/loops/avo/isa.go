package main

import (
	"fmt"
	"math/bits"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is a vector instruction set.
type isa struct {
	name     string
	bytes    int // in a vector register
	maxRows  int // of a micro-kernel's tile
	vecs     int // of a micro-kernel's tile, across
	opmask   bool
	register func(c *build.Context) reg.VecVirtual
}

var (
	avx512 = isa{name: "AVX512", bytes: 64, maxRows: 12, vecs: 2, opmask: true,
		register: func(c *build.Context) reg.VecVirtual { return c.ZMM() }}
	avx2 = isa{name: "AVX2", bytes: 32, maxRows: 6, vecs: 2,
		register: func(c *build.Context) reg.VecVirtual { return c.YMM() }}
)

// elem is a kind of number.
type elem struct {
	goType string
	short  string
	bytes  int
}

var (
	f32 = elem{"float32", "F32", 4}
	f64 = elem{"float64", "F64", 8}
)

// asm writes vector instructions for one instruction set and one kind of number.
type asm struct {
	*build.Context
	isa
	elem
	mask operand.Op // of a partial vector: an opmask, or a vector of sign bits

	constants map[uint32]operand.Mem // in memory, once
	vectors   map[uint32]operand.Mem // in memory, as often as a vector has lanes
}

func (a *asm) reg() reg.VecVirtual { return a.register(a.Context) }

func (a *asm) zero(r reg.VecVirtual) {
	if a.opmask {
		a.VPXORD(r, r, r)
		return
	}
	a.VXORPS(r, r, r)
}

func (a *asm) load(m operand.Op, r reg.VecVirtual) {
	a.pick(a.VMOVUPS, a.VMOVUPD)(m, r)
}

func (a *asm) store(r reg.VecVirtual, m operand.Op) {
	a.pick(a.VMOVUPS, a.VMOVUPD)(r, m)
}

// loadMasked reads the lanes of the mask only, and sets the others to 0.
func (a *asm) loadMasked(m operand.Op, r reg.VecVirtual) {
	switch {
	case a.opmask && a.elem == f32:
		a.VMOVUPS_Z(m, a.mask, r)
	case a.opmask:
		a.VMOVUPD_Z(m, a.mask, r)
	case a.elem == f32:
		a.VMASKMOVPS(m, a.mask, r)
	default:
		a.VMASKMOVPD(m, a.mask, r)
	}
}

func (a *asm) storeMasked(r reg.VecVirtual, m operand.Op) {
	switch {
	case a.opmask && a.elem == f32:
		a.VMOVUPS(r, a.mask, m)
	case a.opmask:
		a.VMOVUPD(r, a.mask, m)
	case a.elem == f32:
		a.VMASKMOVPS(r, a.mask, m)
	default:
		a.VMASKMOVPD(r, a.mask, m)
	}
}

func (a *asm) broadcast(m operand.Op, r reg.VecVirtual) {
	if a.elem == f32 {
		a.VBROADCASTSS(m, r)
		return
	}
	a.VBROADCASTSD(m, r)
}

// fma adds x·y to sum.
func (a *asm) fma(x, y operand.Op, sum reg.VecVirtual) {
	a.pick(a.VFMADD231PS, a.VFMADD231PD)(x, y, sum)
}

func (a *asm) add(x, y operand.Op, r reg.VecVirtual) { a.pick(a.VADDPS, a.VADDPD)(x, y, r) }
func (a *asm) sub(x, y operand.Op, r reg.VecVirtual) { a.pick(a.VSUBPS, a.VSUBPD)(x, y, r) }
func (a *asm) mul(x, y operand.Op, r reg.VecVirtual) { a.pick(a.VMULPS, a.VMULPD)(x, y, r) }
func (a *asm) div(x, y operand.Op, r reg.VecVirtual) { a.pick(a.VDIVPS, a.VDIVPD)(x, y, r) }

// max is the larger of x and y, and x if one is NaN (the instruction gives its second
// source, which Go's assembler writes first).
func (a *asm) max(x, y operand.Op, r reg.VecVirtual) { a.pick(a.VMAXPS, a.VMAXPD)(x, y, r) }

func (a *asm) pick(single, double func(...operand.Op)) func(...operand.Op) {
	if a.elem == f32 {
		return single
	}
	return double
}

// maskOfRest sets the mask to the lanes that n elements leave over from whole vectors; it
// may be empty.
func (a *asm) maskOfRest(n reg.Register) {
	lanes := a.isa.bytes / a.elem.bytes
	rest := a.GP64()
	a.MOVQ(n, rest)
	a.ANDQ(operand.U8(lanes-1), rest)
	if a.opmask {
		one := a.GP32()
		k := a.K()
		a.MOVL(operand.U32(1), one)
		a.SHLXL(rest.As32(), one, one)
		a.DECL(one)
		a.KMOVW(one, k)
		a.mask = k
		return
	}
	// A window on 32 bytes of ones followed by 32 of zeros.
	table := a.StaticGlobal(fmt.Sprintf("ones%d_%d", a.elem.bytes, a.serial()))
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 8 {
		a.AppendDatum(operand.U64([]uint64{^uint64(0), 0}[i/4]))
	}
	p, mask := a.GP64(), a.reg()
	a.NEGQ(rest)
	a.LEAQ(table.Offset(32), p)
	a.VMOVUPS(operand.Mem{Base: p, Index: rest, Scale: uint8(a.elem.bytes)}, mask)
	a.mask = mask
}

var serials int

// serial makes names of data distinct.
func (a *asm) serial() int {
	serials++
	return serials
}

func log2(n int) int { return bits.Len(uint(n)) - 1 }
