package graph

import "gorgonia.org/gorgonia"

// Reads is the nodes that n is computed from, n among them.
func Reads(n *gorgonia.Node) map[*gorgonia.Node]bool {
	seen := map[*gorgonia.Node]bool{n: true}
	for next := (gorgonia.Nodes{n}); len(next) > 0; {
		last := next[len(next)-1]
		next = next[:len(next)-1]
		for in := last.Graph().From(last.ID()); in.Next(); {
			if input := in.Node().(*gorgonia.Node); !seen[input] {
				seen[input] = true
				next = append(next, input)
			}
		}
	}
	return seen
}
