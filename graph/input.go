package graph

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Input adds a float32 tensor to g and returns it with its memory, row-major: it is bound once, and
// filled before every run of the graph.
func Input(g *gorgonia.ExprGraph, name string, shape ...int) (*gorgonia.Node, []float32) {
	memory := make([]float32, tensor.Shape(shape).TotalSize())
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(memory))
	return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name),
		gorgonia.WithShape(shape...), gorgonia.WithValue(value)), memory
}
