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
	if err := given(f); err != nil {
		return nil, err
	}
	return f(embeddings, labels)
}

// Trainable is a Loss with parameters of its own, such as class weights or proxies. The
// trainer learns them beside the network's; they are not part of the model that is used
// afterwards.
type Trainable interface {
	Loss
	Params() *graph.Params
}

// Features are what a network makes of a batch, one behind the other.
type Features struct {
	Trunk     *gorgonia.Node // (B, F), before the embedding layer; nil if there is none
	Raw       *gorgonia.Node // (B, E), the embedding layer's output before it is normalised
	Embedding *gorgonia.Node // (B, E)
}

// OnFeatures is a Loss that can read more than the embeddings. The trainer calls
// LossOnFeatures instead of Loss.
type OnFeatures interface {
	Loss
	LossOnFeatures(f Features, labels *gorgonia.Node) (*gorgonia.Node, error)
}
