package graph

import (
	"cmp"
	"slices"

	"gorgonia.org/gorgonia"
)

// pruned is g without what other ops do by themselves (see op.absorbed and op.sums) and
// nobody else reads.
func pruned(g *gorgonia.ExprGraph) *gorgonia.ExprGraph {
	done := map[*gorgonia.Node]bool{} // by another op, too
	read := map[*gorgonia.Node]int{}
	for _, n := range g.AllNodes() {
		for in := g.From(n.ID()); in.Next(); {
			read[in.Node().(*gorgonia.Node)]++
		}
		if o, ok := n.Op().(*op); ok {
			done[n] = done[n] || o.absorbed && o.isAt(n) && !o.endsSegment
			for _, sum := range o.sums {
				done[sum] = true
			}
		}
	}
	gone := map[*gorgonia.Node]bool{}
	var drop func(n *gorgonia.Node)
	drop = func(n *gorgonia.Node) {
		if !done[n] || read[n] > 0 || gone[n] {
			return
		}
		gone[n] = true
		for in := g.From(n.ID()); in.Next(); {
			input := in.Node().(*gorgonia.Node)
			read[input]--
			drop(input)
		}
	}
	for _, n := range g.AllNodes() {
		drop(n)
	}
	if len(gone) == 0 {
		return g
	}
	var roots gorgonia.Nodes
	for _, n := range g.AllNodes() {
		if read[n] == 0 && !gone[n] {
			roots = append(roots, n)
		}
	}
	slices.SortFunc(roots, func(a, b *gorgonia.Node) int { return cmp.Compare(a.ID(), b.ID()) })
	// RemoveNode would leave Gorgonia's table of nodes wrong.
	return g.ExactSubgraphRoots(roots...)
}
