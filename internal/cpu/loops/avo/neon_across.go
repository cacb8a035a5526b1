package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// moves translates loads, stores and copies.
func (l *lowering) moves(i *ir.Instruction) bool {
	ops := i.Operands
	switch i.Opcode {
	case "VMOVUPS", "VMOVUPD", "VMOVAPS", "VMOVDQU":
		l.moveVector(ops[0], ops[1])
	case "VBROADCASTSS":
		l.broadcast(ops[0].(operand.Mem), ops[1], "4s")
	case "VBROADCASTSD":
		l.broadcast(ops[0].(operand.Mem), ops[1], "2d")
	case "VPBROADCASTD":
		if m, ok := ops[0].(operand.Mem); ok {
			l.broadcast(m, ops[1], "4s")
			break
		}
		lanes := l.value(vector128)
		l.odd("dup v%0.4s, v%1.s[0]", lanes, l.source(ops[0], 1)[0])
		for _, t := range l.target(ops[1]) {
			l.copy(t, lanes)
		}
	case "VBROADCASTF128":
		to := l.target(ops[1])
		l.loadHalves(ops[0].(operand.Mem), to[:1])
		l.copy(to[1], to[0])
	case "VMASKMOVPS", "VMASKMOVPD":
		count := l.vectors[ops[1].(reg.Register).ID()].count
		if m, ok := ops[0].(operand.Mem); ok {
			l.loadMasked(m, count, l.target(ops[2]))
		} else {
			l.storeMasked(l.source(ops[0], int(ops[0].(reg.Register).Size())/16), count, ops[2].(operand.Mem))
		}
	case "VMOVD":
		l.g("FMOVS R%1, F%0", l.target(ops[1])[0], l.gp(ops[0]))
	default:
		return false
	}
	return true
}

func (l *lowering) moveVector(from, to operand.Op) {
	m, stores := to.(operand.Mem)
	if stores {
		r := from.(reg.Register)
		l.storeHalves(l.source(from, int(r.Size())/16), m)
		return
	}
	out := l.target(to)
	if m, loads := from.(operand.Mem); loads && m.Base != reg.StaticBase {
		l.loadHalves(m, out)
	} else {
		for h, v := range l.source(from, len(out)) {
			l.copy(out[h], v)
		}
	}
	if v := l.vectors[to.(reg.Register).ID()]; v.masks {
		l.countOf(out, v.count)
	}
}

// across translates what brings lanes to other places.
func (l *lowering) across(i *ir.Instruction) bool {
	ops := i.Operands
	if op, ok := shuffles[i.Opcode]; ok {
		to := l.target(ops[2])
		second, first := l.source(ops[0], len(to)), l.source(ops[1], len(to))
		for h, t := range to {
			l.v(op[0], op[1], t, first[h], second[h])
		}
		return true
	}
	switch i.Opcode {
	case "VSHUFPS":
		name := map[int]string{0x88: "uzp1", 0xdd: "uzp2"}[immediate(ops[0])]
		to := l.target(ops[3])
		second, first := l.source(ops[1], len(to)), l.source(ops[2], len(to))
		for h, t := range to {
			l.v(name, "4s", t, first[h], second[h])
		}
	case "VPERMPD", "VPERMQ": // quarters 0, 2, 1, 3
		if immediate(ops[0]) != 0xd8 {
			return false
		}
		from := l.source(ops[1], 2)
		l.both(ops[2], func(to []value) {
			l.v("zip1", "2d", to[0], from[0], from[1])
			l.v("zip2", "2d", to[1], from[0], from[1])
		})
	case "VPERM2F128":
		half := map[int]int{0x20: 0, 0x31: 1}[immediate(ops[0])]
		second, first := l.source(ops[1], 2), l.source(ops[2], 2)
		l.both(ops[3], func(to []value) {
			l.copy(to[0], first[half])
			l.copy(to[1], second[half])
		})
	case "VEXTRACTF128":
		high := l.source(ops[1], 2)[1]
		if m, ok := ops[2].(operand.Mem); ok {
			l.storeHalves([]value{high}, m)
		} else {
			l.copy(l.target(ops[2])[0], high)
		}
	case "VINSERTF128":
		to, low, high := l.target(ops[3]), l.source(ops[2], 2)[0], l.source(ops[1], 1)[0]
		l.copy(to[1], high)
		l.copy(to[0], low)
	case "VINSERTPS":
		to, from := l.target(ops[3])[0], l.source(ops[2], 1)[0]
		p := l.pointer(ops[1].(operand.Mem))
		l.copy(to, from)
		l.emit(instr{text: fmt.Sprintf("VLD1 (R%%1), V%%0.S[%d]", immediate(ops[0])>>4), values: []value{to, p}, writes: 1, tied: true})
	default:
		return false
	}
	return true
}

// both writes the halves of a register by way of new values, for the sources may be its own halves.
func (l *lowering) both(to operand.Op, write func(to []value)) {
	t := []value{l.value(vector128), l.value(vector128)}
	write(t)
	for h, v := range l.target(to) {
		l.copy(v, t[h])
	}
}

// widening translates conversions to wider numbers.
func (l *lowering) widening(i *ir.Instruction) bool {
	ops := i.Operands
	switch i.Opcode {
	case "VCVTPS2PD":
		from := l.source(ops[0], 1)[0]
		l.both(ops[1], func(to []value) {
			l.odd("fcvtl v%0.2d, v%1.2s", to[0], from)
			l.odd("fcvtl2 v%0.2d, v%1.4s", to[1], from)
		})
	case "VPMOVSXDQ", "VCVTDQ2PD":
		from := l.source(ops[0], 1)[0]
		l.both(ops[1], func(to []value) {
			l.odd("sshll v%0.2d, v%1.2s, #0", to[0], from)
			l.odd("sshll2 v%0.2d, v%1.4s, #0", to[1], from)
			if i.Opcode == "VCVTDQ2PD" {
				l.v("scvtf", "2d", to[0], to[0])
				l.v("scvtf", "2d", to[1], to[1])
			}
		})
	case "VPMOVSXBW":
		from := l.source(ops[0], 1)[0]
		l.both(ops[1], func(to []value) {
			l.odd("sshll v%0.8h, v%1.8b, #0", to[0], from)
			l.odd("sshll2 v%0.8h, v%1.16b, #0", to[1], from)
		})
	case "VPMOVSXBD":
		base, disp := l.address(ops[0].(operand.Mem))
		eight := l.value(vector128)
		l.g(fmt.Sprintf("FMOVD %d(R%%1), F%%0", disp), eight, base)
		l.odd("sshll v%0.8h, v%1.8b, #0", eight, eight)
		l.both(ops[1], func(to []value) {
			l.odd("sshll v%0.4s, v%1.4h, #0", to[0], eight)
			l.odd("sshll2 v%0.4s, v%1.8h, #0", to[1], eight)
		})
	case "VPMADDWD":
		to := l.target(ops[2])
		x, y := l.source(ops[0], len(to)), l.source(ops[1], len(to))
		for h, t := range to {
			low, high := l.value(vector128), l.value(vector128)
			l.odd("smull v%0.4s, v%1.4h, v%2.4h", low, x[h], y[h])
			l.odd("smull2 v%0.4s, v%1.8h, v%2.8h", high, x[h], y[h])
			l.v("addp", "4s", t, low, high)
		}
	default:
		return false
	}
	return true
}

// weights are the bits of the eight lanes of a mask in memory.
const weights = "laneBits"

// toGeneral translates what leaves the vector registers.
func (l *lowering) toGeneral(i *ir.Instruction) bool {
	ops := i.Operands
	switch i.Opcode {
	case "VMOVMSKPS":
		mask := l.source(ops[0], 2)
		bits := l.constant(operand.NewDataAddr(operand.NewStaticSymbol(weights), 0), 2)
		low, high := l.value(vector128), l.value(vector128)
		l.v("and", "16b", low, mask[0], bits[0])
		l.v("and", "16b", high, mask[1], bits[1])
		l.v("add", "4s", low, low, high)
		l.odd("addv s%0, v%1.4s", low, low)
		l.odd("mov w%0, v%1.s[0]", l.gp(ops[1]), low)
	case "VUCOMISS":
		x, y := l.source(ops[0], 1)[0], l.source(ops[1], 1)[0]
		l.compares(0, "FCMPS F%0, F%1", x, y)
		l.flags.kind = "order"
	default:
		return false
	}
	return true
}
