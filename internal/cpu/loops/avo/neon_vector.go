package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A vector is what becomes of a vector register of AVX2.
type vector struct {
	halves  [2]value
	uniform bool  // all lanes are equal: the halves are one value
	lane    bool  // and only lane 0 is there, as the factor of products by an element
	masks   bool  // transfers are masked by it
	count   value // of its words, if so
}

// v writes a vector instruction of whole vectors of one form.
func (l *lowering) v(name, form string, values ...value) {
	word, ok := words[name+"."+form]
	if !ok {
		panic("neon: no word for " + name + "." + form)
	}
	var ops []string
	for i := range values {
		ops = append(ops, fmt.Sprintf("v%%%d.%s", i, form))
	}
	tied := strings.HasPrefix(name, "fml") || strings.HasPrefix(name, "b") // bit, bif and bsl
	l.emit(instr{text: name + " " + strings.Join(ops, ", "), word: word, values: values, writes: 1, tied: tied})
}

// odd writes one of the others.
func (l *lowering) odd(text string, values ...value) {
	word, ok := oddWords[text]
	if !ok {
		panic("neon: no word for " + text)
	}
	tied := strings.HasPrefix(text, "fml")
	l.emit(instr{text: text, word: word, values: values, writes: 1, tied: tied})
}

func (l *lowering) zero(v value) { l.odd("movi v%0.2d, #0", v) }

func (l *lowering) copy(to, from value) {
	l.emit(instr{text: "mov v%0.16b, v%1.16b", word: oddWords["mov v%0.16b, v%1.16b"], values: []value{to, from, from}, writes: 1, copies: true})
}

// shift writes a shift by a constant, left or right.
func (l *lowering) shift(name string, by int, to, from value) {
	word := map[string]uint32{"shl": 0x4f205400, "ushr": 0x6f200400, "sshr": 0x4f200400}[name]
	number := by // stands as 32 + by for the left, as 64 − by for the right
	if name != "shl" {
		number = 32 - by
	}
	l.emit(instr{text: fmt.Sprintf("%s v%%0.4s, v%%1.4s, #%d", name, by), word: word + uint32(number)<<16, values: []value{to, from}, writes: 1})
}

func isVector(op operand.Op) bool {
	r, ok := op.(reg.Register)
	return ok && r.Kind() == reg.KindVector
}

// survey finds out what the vector registers of a function are.
func (l *lowering) survey(f *ir.Function) {
	at := func(op operand.Op) *vector {
		id := op.(reg.Register).ID()
		if l.vectors[id] == nil {
			l.vectors[id] = &vector{uniform: true, lane: true}
		}
		return l.vectors[id]
	}
	for _, i := range f.Instructions() {
		for k, op := range i.Operands {
			if !isVector(op) {
				continue
			}
			if k < len(i.Operands)-1 && !isFactor(i.Opcode, k) {
				at(op).lane = false
			}
			if strings.HasPrefix(i.Opcode, "VMASKMOV") && k == 1 {
				at(op).masks = true
			}
		}
		ops := i.Operands
		if len(ops) == 0 || !isVector(ops[len(ops)-1]) || i.Opcode == "VUCOMISS" {
			continue
		}
		v := at(ops[len(ops)-1])
		switch {
		case i.Opcode == "VBROADCASTSS" || i.Opcode == "VBROADCASTSD":
		case i.Opcode == "VPBROADCASTD" || isZeroing(i):
			v.lane = false
		default:
			v.uniform, v.lane = false, false
		}
	}
	for _, v := range l.vectors {
		v.halves = [2]value{l.value(vector128), l.value(vector128)}
		if v.uniform {
			v.halves[1] = v.halves[0]
		}
		if v.masks {
			v.count = l.value(general)
		}
	}
}

// isFactor reports whether operand k can be an element of a vector.
func isFactor(opcode string, k int) bool {
	switch opcode {
	case "VFMADD231PS", "VFMADD231PD", "VFNMADD231PS", "VMULPS", "VMULPD":
		return k < 2
	case "VFMADD213PS":
		return k == 1
	case "VUCOMISS":
		return true
	}
	return false
}

func isZeroing(i *ir.Instruction) bool {
	return (i.Opcode == "VXORPS" || i.Opcode == "VPXOR") && i.Operands[0] == i.Operands[1]
}

// target is the values that a register is written as: two, or one of a register of 16 bytes.
func (l *lowering) target(op operand.Op) []value {
	r := op.(reg.Register)
	v := l.vectors[r.ID()]
	if r.Size() == 16 || v.uniform {
		return v.halves[:1]
	}
	return v.halves[:]
}

// source is the n values of an operand, which are loaded if they are in memory.
func (l *lowering) source(op operand.Op, n int) []value {
	if isVector(op) {
		return l.vectors[op.(reg.Register).ID()].halves[:n]
	}
	m := op.(operand.Mem)
	if m.Base == reg.StaticBase {
		return l.constant(m, n)
	}
	to := []value{l.value(vector128), l.value(vector128)}[:n]
	l.loadHalves(m, to)
	return to
}

// constant is n vectors of memory that nothing writes; those whose lanes are equal are one.
func (l *lowering) constant(m operand.Mem, n int) []value {
	uniform := l.isUniform(m.Symbol.Name)
	var values []value
	for i := range n {
		if i > 0 && uniform {
			values = append(values, values[0])
			continue
		}
		values = append(values, l.fixed(fmt.Sprintf("%s+%d", m.Symbol, m.Disp+16*i), func(v value) {
			l.loadHalves(m.Offset(16*i), []value{v})
		}))
	}
	return values
}

// fixed is a value that is the same in all of the function: loaded at its start, if there are registers for it.
func (l *lowering) fixed(name string, load func(v value)) value {
	if v, ok := l.pinned[name]; ok {
		return v
	}
	v := l.value(vector128)
	if len(l.pinned) >= l.pins {
		load(v)
		return v
	}
	code := l.code
	l.code = nil
	load(v)
	l.code = append(l.code, code...)
	l.pinned[name] = v
	return v
}

// isUniform reports whether all words of a constant are equal.
func (l *lowering) isUniform(name string) bool {
	data := l.globals[name].Data
	for _, d := range data {
		if d.Value != data[0].Value {
			return false
		}
	}
	return data[0].Value.Bytes() == 4
}

// broadcast fills the lanes of a register with a number of memory.
func (l *lowering) broadcast(m operand.Mem, to operand.Op, form string) {
	v := l.vectors[to.(reg.Register).ID()]
	out := l.target(to)
	if m.Base == reg.StaticBase {
		c := l.fixed(m.Symbol.String()+"×4", func(c value) { l.g("VLD1R (R%1), [V%0.S4]", c, l.pointer(m)) })
		for _, t := range out {
			l.copy(t, c)
		}
		return
	}
	scalar, lanes := "FMOVS", "S4"
	if form == "2d" {
		scalar, lanes = "FMOVD", "D2"
	}
	switch {
	case v.lane && m.Index != nil && m.Disp == 0 && (m.Scale == 1 || form == "4s" && m.Scale == 4):
		index := map[uint8]string{1: "(R%2)", 4: "(R%2<<2)"}[m.Scale]
		l.g(scalar+" (R%1)"+index+", F%0", out[0], l.gp(m.Base), l.gp(m.Index))
	case v.lane || m.Base == reg.FramePointer:
		at, base := l.place(m)
		l.g(scalar+" "+at("%1")+", F%0", append([]value{out[0]}, base...)...)
		if !v.lane {
			l.odd(map[string]string{"4s": "dup v%0.4s, v%1.s[0]", "2d": "dup v%0.2d, v%1.d[0]"}[form], out[0], out[0])
		}
	default:
		l.g("VLD1R (R%1), [V%0."+lanes+"]", out[0], l.pointer(m))
	}
	for _, t := range out[1:] {
		l.copy(t, out[0])
	}
}
