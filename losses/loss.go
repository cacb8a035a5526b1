package losses

import (
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Loss builds a scalar loss node from embeddings (B, E) and labels (B), whose elements
// are of the embeddings' type and hold class numbers. It
//   - depends on the order of the batch in no way, nor on the names of the classes unless
//     it has weights of classes,
//   - is finite, with a finite gradient, for every batch: one class only, all classes
//     different, equal points,
//   - builds one graph that is right for every labelling of the batch.
//
// Package losstest checks the three for any Loss.
type Loss interface {
	Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error)
}

// Func adapts a function to Loss.
type Func func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error)

// Loss calls f.
func (f Func) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return f(embeddings, labels)
}

// Trainable is a Loss with parameters of its own, such as class weights or proxies. The
// trainer learns them beside the network's; they are not part of the model that is used
// afterwards.
type Trainable interface {
	Loss
	Params() *graph.Params
}

// OnTrunk is a Loss that can also read the trunk's features (B, F), which lie before the
// embedding layer. The trainer calls LossOnTrunk instead of Loss where a network has them.
type OnTrunk interface {
	Loss
	LossOnTrunk(trunk, embeddings, labels *gorgonia.Node) (*gorgonia.Node, error)
}
