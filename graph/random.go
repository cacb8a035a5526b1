package graph

type Random struct{}
