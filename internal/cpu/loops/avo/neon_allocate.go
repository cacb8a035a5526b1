package main

import (
	"fmt"
	"math/big"
	"slices"
)

// registers are those that functions may use, by class: R18 belongs to macOS and Windows, R26 to R28 to Go and its
// assembler, R29 and R30 to the call.
var registers = map[class][]int{}

func init() {
	for r := range 32 {
		if r < 16 || r > 18 && r < 26 {
			registers[general] = append(registers[general], r)
		}
		registers[vector128] = append(registers[vector128], r)
	}
}

// program is the code of a function over values.
type program struct {
	code    []instr
	classes []class // of values
}

func (p *program) value(c class) value {
	p.classes = append(p.classes, c)
	return value(len(p.classes) - 1)
}

// next is where code goes on after each instruction.
func (p *program) next() [][]int {
	labels := map[string]int{}
	for i, in := range p.code {
		if in.label != "" {
			labels[in.label] = i
		}
	}
	next := make([][]int, len(p.code))
	for i, in := range p.code {
		if !in.ends {
			next[i] = append(next[i], i+1)
		}
		if in.to != "" {
			to, ok := labels[in.to]
			if !ok {
				panic("no label " + in.to)
			}
			next[i] = append(next[i], to)
		}
	}
	return next
}

// webs joins the writes of values that meet in a read.
type webs struct {
	*program
	of     map[value]*big.Int // the writes of a value, by number
	before []*big.Int         // those that reach an instruction
	leader []int              // of a write, another of its web, or itself
}

// split gives each value that is written independently several times a value for each.
func (p *program) split() {
	w := &webs{program: p, of: map[value]*big.Int{}}
	for _, in := range p.code {
		for _, v := range in.defs() {
			if w.of[v] == nil {
				w.of[v] = new(big.Int)
			}
			w.of[v].SetBit(w.of[v], len(w.leader), 1)
			w.leader = append(w.leader, len(w.leader))
		}
	}
	w.before = p.reaching(w.of)
	own := w.join()
	names := map[int]value{}
	for i := range p.code {
		in := &p.code[i]
		in.values = slices.Clone(in.values)
		for k, v := range in.values {
			web := w.find(own[i][k])
			if _, ok := names[web]; !ok {
				names[web] = p.value(p.classes[v])
			}
			in.values[k] = names[web]
		}
	}
}

func (w *webs) find(i int) int {
	for w.leader[i] != i {
		i = w.leader[i]
	}
	return i
}

// join returns a write of the web of each operand.
func (w *webs) join() [][]int {
	own := make([][]int, len(w.code))
	n := 0
	for i := range w.code {
		in := &w.code[i]
		own[i] = make([]int, len(in.values))
		for k, v := range in.values {
			if k >= in.writes {
				own[i][k] = w.reached(i, v)
				continue
			}
			own[i][k] = n
			n++
			if in.tied {
				w.leader[w.find(w.reached(i, v))] = w.find(own[i][k])
			}
		}
	}
	return own
}

// reached joins the writes of v that reach instruction i, and returns one of them.
func (w *webs) reached(i int, v value) int {
	set := new(big.Int)
	if w.of[v] != nil {
		set.And(w.before[i], w.of[v])
	}
	if set.Sign() == 0 {
		panic(fmt.Sprintf("neon: %q reads what nothing wrote", w.code[i].text))
	}
	first := int(set.TrailingZeroBits())
	for k := first; k < set.BitLen(); k++ {
		if set.Bit(k) == 1 {
			w.leader[w.find(k)] = w.find(first)
		}
	}
	return first
}

// reaching is the writes that reach each instruction.
func (p *program) reaching(of map[value]*big.Int) []*big.Int {
	next := p.next()
	before := make([]*big.Int, len(p.code)+1)
	for i := range before {
		before[i] = new(big.Int)
	}
	first := make([]int, len(p.code)+1) // the number of an instruction's first write
	for i := range p.code {
		first[i+1] = first[i] + p.code[i].writes
	}
	for changed := true; changed; {
		changed = false
		for i := range p.code {
			after := new(big.Int).Set(before[i])
			for k, v := range p.code[i].defs() {
				after.AndNot(after, of[v])
				after.SetBit(after, first[i]+k, 1)
			}
			for _, to := range next[i] {
				union := new(big.Int).Or(before[to], after)
				if union.Cmp(before[to]) != 0 {
					before[to], changed = union, true
				}
			}
		}
	}
	return before
}

// live is the values that are read after each instruction.
func (p *program) live() []*big.Int {
	next := p.next()
	in, out := make([]*big.Int, len(p.code)+1), make([]*big.Int, len(p.code))
	for i := range in {
		in[i] = new(big.Int)
	}
	for changed := true; changed; {
		changed = false
		for i := len(p.code) - 1; i >= 0; i-- {
			after := new(big.Int)
			for _, to := range next[i] {
				after.Or(after, in[to])
			}
			out[i] = after
			before := new(big.Int).Set(after)
			for _, v := range p.code[i].defs() {
				before.SetBit(before, int(v), 0)
			}
			for _, v := range p.code[i].reads() {
				before.SetBit(before, int(v), 1)
			}
			if before.Cmp(in[i]) != 0 {
				in[i], changed = before, true
			}
		}
	}
	return out
}

// prune takes out what writes values that nothing reads.
func (p *program) prune() {
	for {
		live, n := p.live(), len(p.code)
		i := -1
		p.code = slices.DeleteFunc(p.code, func(in instr) bool {
			i++
			return in.writes > 0 && !in.effect && !slices.ContainsFunc(in.defs(), func(v value) bool { return live[i].Bit(int(v)) == 1 })
		})
		if len(p.code) == n {
			return
		}
	}
}
