package graph

import "medusa/internal/device"

// Index is the vector 0, 1, …, n−1, of e's graph and type.
func Index(e Expr, n int) Expr { return apply(device.Iota{N: n}, []int{n}, nil, e.Detach()) }
