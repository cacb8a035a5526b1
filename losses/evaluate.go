package losses

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/exclusive"
)

// Value is a loss and its gradients for one batch.
type Value struct {
	Loss     float64
	Gradient []float64            // to the embeddings (B, E), row-major
	Params   map[string][]float64 // to the loss's own parameters, by name
}

// Evaluate computes loss and its gradient for embeddings (B, E), row-major, with labels
// (B), any integers, outside of any trainer, in dt: tensor.Float32 or tensor.Float64.
func Evaluate(loss Loss, embeddings []float64, labels []int, dt tensor.Dtype) (Value, error) {
	b := len(labels)
	if b == 0 || len(embeddings) == 0 || len(embeddings)%b != 0 {
		return Value{}, errors.Errorf("losses: %d numbers do not make %d embeddings of one size", len(embeddings), b)
	}
	e, err := NewEvaluator(loss, b, len(embeddings)/b, dt)
	if err != nil {
		return Value{}, err
	}
	defer e.Close()
	return e.Value(embeddings, labels)
}

// Evaluator computes a loss and its gradient for many batches of one shape, with one
// graph. One goroutine uses it at a time, and another one gets an error; many Evaluators may
// work at the same time, also of one loss.
type Evaluator struct {
	use    exclusive.Use
	forget func() // what the loss's own parameters know of the graph
	b, e   int
	loss   Loss
	x, y   *tensor.Dense
	cost   gorgonia.Value
	grads  []gorgonia.Value // to the embeddings, then to the parameters
	params []string
	vm     gorgonia.VM
}

// NewEvaluator builds the graph of a loss over b embeddings of size e, in dt:
// tensor.Float32 or tensor.Float64.
func NewEvaluator(loss Loss, b, e int, dt tensor.Dtype) (_ *Evaluator, err error) {
	defer graph.Guard("building the loss", &err)
	if b < 1 || e < 1 {
		return nil, errors.Errorf("losses: a batch of %d embeddings of size %d, want at least 1 of each", b, e)
	}
	if err := given(loss); err != nil {
		return nil, err
	}
	g := gorgonia.NewGraph()
	v := &Evaluator{b: b, e: e, loss: loss, forget: func() {
		if t, ok := loss.(Trainable); ok {
			t.Params().Forget(g)
		}
	}}
	x, err := v.input(g, "embeddings", dt, &v.x, b, e)
	if err != nil {
		return nil, err
	}
	y, err := v.input(g, "labels", dt, &v.y, b)
	if err != nil {
		return nil, err
	}
	cost, err := loss.Loss(x, y)
	if err != nil {
		return nil, err
	}
	if cost == nil {
		return nil, errors.Errorf("losses: the loss %T gives neither a node nor an error", loss)
	}
	if cost.Dims() != 0 {
		return nil, errors.Errorf("losses: the loss has shape %v, want a scalar", cost.Shape())
	}
	if err := v.differentiate(g, loss, cost, x); err != nil {
		return nil, err
	}
	if v.vm, err = graph.NewMachine(g); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Evaluator) input(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, to **tensor.Dense, shape ...int) (*gorgonia.Node, error) {
	t, err := graph.Tensor(make([]float64, tensor.Shape(shape).TotalSize()), dt, shape...)
	if err != nil {
		return nil, err
	}
	*to = t
	return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(t)), nil
}

func (v *Evaluator) differentiate(g *gorgonia.ExprGraph, loss Loss, cost, x *gorgonia.Node) error {
	wrt := gorgonia.Nodes{x}
	if t, ok := loss.(Trainable); ok {
		items, nodes := t.Params().Learned(g)
		wrt = append(wrt, nodes...)
		for _, item := range items {
			v.params = append(v.params, t.Params().NameOf(item))
		}
	}
	grads, err := gorgonia.Grad(cost, wrt...)
	if err != nil {
		return errors.Wrap(err, "losses: the loss is not differentiable")
	}
	v.grads = make([]gorgonia.Value, len(grads))
	gorgonia.Read(cost, &v.cost)
	for i, n := range grads {
		gorgonia.Read(n, &v.grads[i])
	}
	return nil
}

// Value computes the loss and its gradients for embeddings (B, E), row-major, with
// labels (B).
func (v *Evaluator) Value(embeddings []float64, labels []int) (out Value, err error) {
	defer graph.Guard("evaluating the loss", &err)
	if err := v.use.Begin("losses: the evaluator"); err != nil {
		return out, err
	}
	defer v.use.End()
	if len(embeddings) != v.b*v.e || len(labels) != v.b {
		return out, errors.Errorf("losses: %d numbers with %d labels, want %d embeddings of size %d", len(embeddings), len(labels), v.b, v.e)
	}
	if err := v.run(embeddings, labels); err != nil {
		return out, err
	}
	cost, err := graph.Numbers(v.cost)
	if err != nil {
		return out, err
	}
	out = Value{Loss: cost[0], Params: make(map[string][]float64, len(v.params))}
	if out.Gradient, err = graph.Numbers(v.grads[0]); err != nil {
		return out, err
	}
	for i, name := range v.params {
		if out.Params[name], err = graph.Numbers(v.grads[i+1]); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (v *Evaluator) run(embeddings []float64, labels []int) error {
	y, err := v.numbers(labels)
	if err != nil {
		return err
	}
	fill(v.x, len(embeddings), func(i int) float64 { return embeddings[i] })
	fill(v.y, len(labels), func(i int) float64 { return float64(y[i]) })
	defer v.vm.Reset()
	return errors.Wrap(v.vm.RunAll(), "losses: running the loss")
}

// numbers are labels that the graph's type can tell apart: those that it cannot are
// numbered −1, −2, …, past what is taken. A loss with parameters may tell classes by their
// number, and gets no other.
func (v *Evaluator) numbers(labels []int) ([]int, error) {
	limit := 1 << 24
	if v.y.Dtype() == tensor.Float64 {
		limit = 1 << 53
	}
	beyond := func(l int) bool { return l <= -limit || l >= limit }
	i := slices.IndexFunc(labels, beyond)
	if i < 0 {
		return labels, nil
	}
	if t, ok := v.loss.(Trainable); ok && len(t.Params().All()) > 0 {
		return nil, errors.Errorf("losses: label %d at position %d is beyond what %v holds exactly, and a loss with parameters must know it; number the classes from 0 on", labels[i], i, v.y.Dtype())
	}
	names := map[int]int{}
	next := -1
	out := slices.Clone(labels)
	for i, l := range labels {
		if !beyond(l) {
			continue
		}
		if _, known := names[l]; !known {
			for slices.Contains(labels, next) {
				next--
			}
			names[l] = next
			next--
		}
		out[i] = names[l]
	}
	return out, nil
}

func fill(t *tensor.Dense, n int, at func(i int) float64) {
	switch data := t.Data().(type) {
	case []float32:
		for i := range n {
			data[i] = float32(at(i))
		}
	case []float64:
		for i := range n {
			data[i] = at(i)
		}
	}
}

// Close releases the evaluator.
func (v *Evaluator) Close() error {
	if err := v.use.Begin("losses: the evaluator"); err != nil {
		return err
	}
	defer v.use.End()
	v.forget()
	return v.vm.Close()
}
