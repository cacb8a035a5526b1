package optim

import (
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Gradients adds to the graph of cost, a scalar, its gradients to all tensors that the graph
// learns, and keeps them: those of params that it has asked for by Weight and that are not frozen.
// It is called when the graph is whole and before its machine is made.
func Gradients(cost *gorgonia.Node, params *graph.Params) ([]Tensor, error) {
	if cost == nil || params == nil {
		return nil, errors.New("optim: the loss or the set of parameters is nil")
	}
	items, nodes := params.Learned(cost.Graph())
	if len(nodes) == 0 {
		return nil, ErrNothingLearned
	}
	if err := CheckRead(cost, items, nodes); err != nil {
		return nil, err
	}
	grads, err := gorgonia.Grad(cost, nodes...)
	if err != nil {
		return nil, errors.Wrap(err, "optim: the loss is not differentiable to the weights")
	}
	return Tensors(items, grads)
}

// Tensors keeps gradients that are in a graph already, and joins them with their parameters.
func Tensors(items []*graph.Param, grads gorgonia.Nodes) ([]Tensor, error) {
	if len(items) != len(grads) {
		return nil, errors.Errorf("optim: %d parameters and %d gradients, want one each", len(items), len(grads))
	}
	all := make([]Tensor, len(items))
	for i, item := range items {
		var err error
		if all[i], err = keepGradient(item, grads[i]); err != nil {
			return nil, errors.WithMessagef(err, "optim: gradient to %s", item.Name)
		}
	}
	return all, nil
}

// keepGradient makes the graph keep the gradient of a parameter, and returns both as a Tensor. The gradient is kept
// by rows if the graph reads the parameter only by gathering rows of it.
func keepGradient(item *graph.Param, grad *gorgonia.Node) (Tensor, error) {
	rows, err := graph.KeepRows(grad)
	switch {
	case err != nil:
		return Tensor{}, err
	case rows != nil:
		return RowsOf(item, rows)
	}
	kept, err := graph.Keep(grad)
	if err != nil {
		return Tensor{}, err
	}
	return TensorOf(item, kept)
}

// ErrNothingLearned is Gradients' error where the graph learns nothing.
var ErrNothingLearned = errors.New("optim: there is nothing to learn: the graph has no parameters, or all are frozen")

// CheckRead refuses parameters, with their nodes in the graph, that the loss does not depend on: its
// error is an UnreadError.
func CheckRead(cost *gorgonia.Node, items []*graph.Param, nodes gorgonia.Nodes) error {
	read := graph.Reads(cost)
	var names []string
	for i, n := range nodes {
		if !read[n] {
			names = append(names, items[i].Name)
		}
	}
	if len(names) > 0 {
		return &UnreadError{names}
	}
	return nil
}

// UnreadError says that a loss does not depend on parameters that should be learned by it.
type UnreadError struct{ Names []string }

func (e *UnreadError) Error() string {
	return "optim: the loss does not depend on " + strings.Join(e.Names, ", ") +
		", which cannot be learned by it: take them out of the network, or freeze them with graph.Params.ScaleLR(name, 0)"
}
