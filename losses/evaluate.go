package losses

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// Value is a loss and its gradients for one batch.
type Value struct {
	Loss     float64
	Gradient []float64            // to the embeddings (B, E), row-major
	Params   map[string][]float64 // to the loss's own parameters, by name
}

// Evaluate computes loss and its gradient for embeddings (B, E), row-major, with labels
// (B), outside of any trainer, in dt: tensor.Float32 or tensor.Float64.
func Evaluate(loss Loss, embeddings []float64, labels []int, dt tensor.Dtype) (v Value, err error) {
	defer graph.Guard("evaluating the loss", &err)
	b := len(labels)
	if b == 0 || len(embeddings) == 0 || len(embeddings)%b != 0 {
		return v, errors.Errorf("losses: %d numbers do not make %d embeddings of one size", len(embeddings), b)
	}
	g := gorgonia.NewGraph()
	classes := make([]float64, b)
	for i, c := range labels {
		classes[i] = float64(c)
	}
	x, err := input(g, "embeddings", dt, embeddings, b, len(embeddings)/b)
	if err != nil {
		return v, err
	}
	y, err := input(g, "labels", dt, classes, b)
	if err != nil {
		return v, err
	}
	cost, err := loss.Loss(x, y)
	if err != nil {
		return v, err
	}
	wrt := gorgonia.Nodes{x}
	var names []string
	if t, ok := loss.(Trainable); ok {
		items, nodes := t.Params().Learned(g)
		wrt = append(wrt, nodes...)
		for _, item := range items {
			names = append(names, item.Name)
		}
	}
	grads, err := gorgonia.Grad(cost, wrt...)
	if err != nil {
		return v, errors.Wrap(err, "losses: the loss is not differentiable")
	}
	return run(g, cost, grads, names)
}

func run(g *gorgonia.ExprGraph, cost *gorgonia.Node, grads gorgonia.Nodes, names []string) (v Value, err error) {
	var value gorgonia.Value
	values := make([]gorgonia.Value, len(grads))
	gorgonia.Read(cost, &value)
	for i, n := range grads {
		gorgonia.Read(n, &values[i])
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return v, errors.Wrap(err, "losses: running the loss")
	}
	l, err := graph.Numbers(value)
	if err != nil {
		return v, err
	}
	v.Loss = l[0]
	if v.Gradient, err = graph.Numbers(values[0]); err != nil {
		return v, err
	}
	v.Params = make(map[string][]float64, len(names))
	for i, name := range names {
		if v.Params[name], err = graph.Numbers(values[i+1]); err != nil {
			return v, err
		}
	}
	return v, nil
}

func input(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, values []float64, shape ...int) (*gorgonia.Node, error) {
	t, err := graph.Tensor(values, dt, shape...)
	if err != nil {
		return nil, err
	}
	return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(t)), nil
}
