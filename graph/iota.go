package graph

import "medusa/internal/spec"

// Iota is the vector 0, 1, …, n−1, of e's graph and type. No gradient flows through it.
func Iota(e Expr, n int) Expr {
	if e.Err() != nil {
		return e
	}
	return apply(spec.Iota{N: n}, []int{n}, nil, e.Detach())
}

// Groups is the vector (n·k) of the numbers 0, 1, …, n−1, each k times in a row, of e's graph and
// type. No gradient flows through it.
func Groups(e Expr, n, k int) Expr {
	return Iota(e, n).Reshape(n, 1).BroadcastTo([]int{n, k}).Reshape(n * k)
}
