package losses

import (
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Monitor is a loss that can tell which share of its triplets or pairs still teaches:
// the share with a term that is not 0, a scalar in [0, 1], 0 if there are none. When it
// falls to 0, training stands still. Asked in the graph of the loss it costs little,
// since Gorgonia merges equal parts of a graph.
type Monitor interface {
	ActiveShare(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error)
}

// active is 1 for terms above 0 and for those that are NaN, which teach that training broke.
func active(terms graph.Expr) graph.Expr {
	terms = terms.Detach()
	return terms.Constant(0).AtLeast(terms).Not()
}

// share is the sum of active over the sum of all, masks or counts.
func share(active, all graph.Expr) graph.Expr {
	total := all.Detach().Sum()
	return active.Detach().Sum().Div(total.Max(total.Constant(1)))
}
