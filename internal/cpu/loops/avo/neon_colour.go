package main

import (
	"errors"
	"math/big"
	"slices"
)

// colouring assigns registers to values that live at the same time: G. Chaitin, "Register Allocation & Spilling via Graph
// Coloring", 1982, with the rule of Briggs for moves, and without spilling.
type colouring struct {
	*program
	rivals []*big.Int // of each value, those that cannot share its register
	leader []value    // of values that moves have made one
}

var errRegisters = errors.New("more values live at once than there are registers")

// allocate returns a register for each value.
func (p *program) allocate() ([]int, error) {
	p.split()
	p.prune()
	c := &colouring{program: p, rivals: make([]*big.Int, len(p.classes)), leader: make([]value, len(p.classes))}
	for i := range c.rivals {
		c.rivals[i], c.leader[i] = new(big.Int), value(i)
	}
	c.connect()
	c.coalesce()
	register, err := c.colour()
	if err != nil {
		return nil, err
	}
	p.code = slices.DeleteFunc(p.code, func(in instr) bool {
		return in.copies && register[in.values[0]] == register[in.values[1]]
	})
	return register, nil
}

func (c *colouring) connect() {
	live := c.live()
	for i, in := range c.code {
		for _, v := range in.defs() {
			for w := range c.classes {
				moved := in.copies && value(w) == in.values[1]
				if live[i].Bit(w) == 1 && !moved {
					c.join(v, value(w))
				}
			}
			for _, w := range in.defs() {
				c.join(v, w)
			}
		}
	}
}

func (c *colouring) join(v, w value) {
	if v != w && c.classes[v] == c.classes[w] {
		c.rivals[v].SetBit(c.rivals[v], int(w), 1)
		c.rivals[w].SetBit(c.rivals[w], int(v), 1)
	}
}

func (c *colouring) find(v value) value {
	for c.leader[v] != v {
		v = c.leader[v]
	}
	return v
}

func members(set *big.Int) (m []value) {
	for i := int(set.TrailingZeroBits()); i < set.BitLen(); i++ {
		if set.Bit(i) == 1 {
			m = append(m, value(i))
		}
	}
	return m
}

// coalesce gives the two values of a move one register where that makes nothing harder.
func (c *colouring) coalesce() {
	for _, in := range c.code {
		if !in.copies {
			continue
		}
		v, w := c.find(in.values[0]), c.find(in.values[1])
		if v == w || c.rivals[v].Bit(int(w)) == 1 || !c.harmless(v, w) {
			continue
		}
		for _, rival := range members(c.rivals[w]) {
			c.rivals[rival].SetBit(c.rivals[rival], int(w), 0)
			c.join(v, rival)
		}
		c.rivals[w].SetInt64(0)
		c.leader[w] = v
	}
}

// harmless reports whether v and w as one have fewer rivals of many rivals than there are registers.
func (c *colouring) harmless(v, w value) bool {
	most, many := len(registers[c.classes[v]]), 0
	for _, rival := range members(new(big.Int).Or(c.rivals[v], c.rivals[w])) {
		degree := len(members(c.rivals[rival]))
		if c.rivals[v].Bit(int(rival)) == 1 && c.rivals[w].Bit(int(rival)) == 1 {
			degree--
		}
		if degree >= most {
			many++
		}
	}
	return many < most
}

// colour takes values out of the graph, those of fewest rivals first, and puts them back in reverse with a register that no rival has.
func (c *colouring) colour() ([]int, error) {
	used := map[value]bool{}
	for _, in := range c.code {
		for _, v := range in.values {
			used[c.find(v)] = true
		}
	}
	var nodes, stack []value
	degree := make([]int, len(c.classes))
	for v := range c.classes {
		if used[value(v)] {
			nodes = append(nodes, value(v))
			degree[v] = len(members(c.rivals[v]))
		}
	}
	for len(nodes) > 0 {
		at := 0
		for i, v := range nodes {
			if degree[v] < degree[nodes[at]] {
				at = i
			}
		}
		v := nodes[at]
		nodes = slices.Delete(nodes, at, at+1)
		stack = append(stack, v)
		for _, w := range members(c.rivals[v]) {
			degree[w]--
		}
	}
	register := make([]int, len(c.classes))
	for i := range register {
		register[i] = -1
	}
	for _, v := range slices.Backward(stack) {
		taken := map[int]bool{}
		for _, w := range members(c.rivals[v]) {
			taken[register[w]] = true
		}
		free := slices.IndexFunc(registers[c.classes[v]], func(r int) bool { return !taken[r] })
		if free < 0 {
			return nil, errRegisters
		}
		register[v] = registers[c.classes[v]][free]
	}
	for v := range register {
		register[v] = register[c.find(value(v))]
	}
	return register, nil
}
