package losses

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/exclusive"
	"medusa/machine"
	"medusa/pairs"
)

// Value is a loss and its gradients for one batch.
type Value struct {
	Loss      float64
	Gradient  []float64            // to the embeddings (B, E), row-major
	Reference []float64            // to the reference set (M, E), row-major; nil if there is none
	Params    map[string][]float64 // to the loss's own parameters, by name
}

// Rows are embeddings with their labels, any integers.
type Rows struct {
	Embeddings []float64 // (N, E), row-major
	Labels     []int     // (N)
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
	loss   Loss
	e      int
	batch  input
	ref    *input // nil if there is no reference set
	cost   gorgonia.Value
	params []string
	grads  []gorgonia.Value // to the parameters
	vm     gorgonia.VM
}

// input is where rows enter the graph.
type input struct {
	n    int
	x, y *tensor.Dense
	grad gorgonia.Value
}

// NewEvaluator builds the graph of a loss over b embeddings of size e, in dt:
// tensor.Float32 or tensor.Float64.
func NewEvaluator(loss Loss, b, e int, dt tensor.Dtype) (*Evaluator, error) {
	return newEvaluator(loss, b, 0, e, dt)
}

// NewReferenceEvaluator is NewEvaluator of a loss that compares the b embeddings with a
// reference set of m.
func NewReferenceEvaluator(loss Loss, b, m, e int, dt tensor.Dtype) (*Evaluator, error) {
	if m < 1 {
		return nil, errors.Errorf("losses: a reference set of %d embeddings, want at least 1", m)
	}
	return newEvaluator(loss, b, m, e, dt)
}

func newEvaluator(loss Loss, b, m, e int, dt tensor.Dtype) (_ *Evaluator, err error) {
	defer graph.Guard("building the loss", &err)
	if b < 1 || e < 1 {
		return nil, errors.Errorf("losses: a batch of %d embeddings of size %d, want at least 1 of each", b, e)
	}
	if err := checkGiven(loss); err != nil {
		return nil, err
	}
	g := gorgonia.NewGraph()
	v := &Evaluator{e: e, loss: loss, forget: func() {
		if p := ParamsOf(loss); p != nil {
			p.Forget(g)
		}
	}}
	var batch pairs.Batch
	if batch.X, batch.Labels, err = v.batch.open(g, "", dt, b, e); err != nil {
		return nil, err
	}
	batch.Raw = batch.X // as they are given
	if m > 0 {
		v.ref = new(input)
		if batch.Ref, batch.RefLabels, err = v.ref.open(g, "reference ", dt, m, e); err != nil {
			return nil, err
		}
	}
	cost, err := BuildOn(loss, batch)
	if err != nil {
		return nil, err
	}
	if cost.Dims() != 0 {
		return nil, errors.Errorf("losses: the loss has shape %v, want a scalar", cost.Shape())
	}
	if err := v.differentiate(g, cost, batch); err != nil {
		return nil, err
	}
	if v.vm, err = machine.New(g); err != nil {
		return nil, err
	}
	return v, nil
}

// open adds inputs of n rows of size e to the graph.
func (in *input) open(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, n, e int) (x, labels graph.Expr, err error) {
	in.n = n
	node := func(name string, to **tensor.Dense, shape ...int) *gorgonia.Node {
		if err == nil {
			*to, err = graph.Tensor(make([]float64, tensor.Shape(shape).TotalSize()), dt, shape...)
		}
		if err != nil {
			return nil
		}
		return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(*to))
	}
	rows, classes := node(name+"embeddings", &in.x, n, e), node(name+"labels", &in.y, n)
	return graph.Of(rows), graph.Data(classes), err
}

func (v *Evaluator) differentiate(g *gorgonia.ExprGraph, cost *gorgonia.Node, b pairs.Batch) error {
	var wrt gorgonia.Nodes
	to := []*gorgonia.Value{&v.batch.grad}
	for _, e := range []graph.Expr{b.X, b.Ref} {
		if n, err := e.Node(); err == nil {
			wrt = append(wrt, n)
		}
	}
	if v.ref != nil {
		to = append(to, &v.ref.grad)
	}
	if p := ParamsOf(v.loss); p != nil {
		items, nodes := p.Learned(g)
		wrt = append(wrt, nodes...)
		v.grads = make([]gorgonia.Value, len(items))
		for i, item := range items {
			v.params = append(v.params, p.NameOf(item))
			to = append(to, &v.grads[i])
		}
	}
	grads, err := gorgonia.Grad(cost, wrt...)
	if err != nil {
		return errors.Wrap(err, "losses: the loss is not differentiable")
	}
	gorgonia.Read(cost, &v.cost)
	for i, n := range grads {
		gorgonia.Read(n, to[i])
	}
	return nil
}

// Value computes the loss and its gradients for embeddings (B, E), row-major, with
// labels (B).
func (v *Evaluator) Value(embeddings []float64, labels []int) (Value, error) {
	return v.ValueBetween(Rows{embeddings, labels}, Rows{})
}

// ValueBetween is Value with a reference set, for an evaluator that has one.
func (v *Evaluator) ValueBetween(batch, ref Rows) (out Value, err error) {
	defer graph.Guard("evaluating the loss", &err)
	if err := v.use.Begin("losses: the evaluator"); err != nil {
		return out, err
	}
	defer v.use.End()
	if err := v.fill(batch, ref); err != nil {
		return out, err
	}
	if err := v.run(); err != nil {
		return out, err
	}
	cost, err := graph.Numbers(v.cost)
	if err != nil {
		return out, err
	}
	out = Value{Loss: cost[0], Params: make(map[string][]float64, len(v.params))}
	if out.Gradient, err = graph.Numbers(v.batch.grad); err != nil {
		return out, err
	}
	if v.ref != nil {
		if out.Reference, err = graph.Numbers(v.ref.grad); err != nil {
			return out, err
		}
	}
	for i, name := range v.params {
		if out.Params[name], err = graph.Numbers(v.grads[i]); err != nil {
			return out, err
		}
	}
	return out, nil
}

// fill copies rows into the graph's inputs.
func (v *Evaluator) fill(batch, ref Rows) error {
	m := 0
	if v.ref != nil {
		m = v.ref.n
	}
	for _, part := range []struct {
		what string
		rows Rows
		n    int
	}{{"", batch, v.batch.n}, {" in the reference set", ref, m}} {
		if r := part.rows; len(r.Embeddings) != part.n*v.e || len(r.Labels) != part.n {
			return errors.Errorf("losses: %d numbers with %d labels%s, want %d embeddings of size %d", len(r.Embeddings), len(r.Labels), part.what, part.n, v.e)
		}
	}
	y, err := v.numbers(slices.Concat(batch.Labels, ref.Labels))
	if err != nil {
		return err
	}
	v.batch.fill(batch.Embeddings, y[:v.batch.n])
	if v.ref != nil {
		v.ref.fill(ref.Embeddings, y[v.batch.n:])
	}
	return nil
}

func (in *input) fill(x []float64, y []int) {
	fillTensor(in.x, len(x), func(i int) float64 { return x[i] })
	fillTensor(in.y, len(y), func(i int) float64 { return float64(y[i]) })
}

func (v *Evaluator) run() error {
	defer v.vm.Reset()
	return errors.Wrap(v.vm.RunAll(), "losses: running the loss")
}

// numbers are labels that the graph's type can tell apart: those that it cannot are
// numbered −1, −2, …, past what is taken. A loss with parameters may tell classes by their
// number, and gets no other.
func (v *Evaluator) numbers(labels []int) ([]int, error) {
	limit := 1 << 24
	if v.batch.y.Dtype() == tensor.Float64 {
		limit = 1 << 53
	}
	beyond := func(l int) bool { return l <= -limit || l >= limit }
	i := slices.IndexFunc(labels, beyond)
	if i < 0 {
		return labels, nil
	}
	if p := ParamsOf(v.loss); p != nil && len(p.All()) > 0 {
		return nil, errors.Errorf("losses: label %d at position %d is beyond what %v holds exactly, and a loss with parameters must know it; number the classes from 0 on", labels[i], i, v.batch.y.Dtype())
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

func fillTensor(t *tensor.Dense, n int, at func(i int) float64) {
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
