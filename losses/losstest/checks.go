package losstest

import (
	"math"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/losses"
)

// Central differences with step h are off by about h² and by rounding/h, both near
// 1e-10 of the loss; a wrong gradient is off by far more than tolerance.
const (
	step      = 1e-5
	tolerance = 1e-6
)

func (b *bench) differences() error {
	var quick func(batch) (losses.Value, error)
	if b.fresh != nil {
		loss := b.fresh()
		e, err := losses.NewEvaluator(loss, Batch, Embedding, tensor.Float64)
		if err != nil {
			return err
		}
		defer e.Close()
		rewind := rewinder(loss)
		quick = func(in batch) (losses.Value, error) {
			rewind()
			return e.Value(in.x, in.y)
		}
	}
	for i, in := range b.batches() {
		v, err := b.value(in)
		if err != nil {
			return err
		}
		slopes := entries
		if i > 0 {
			slopes = b.directions()
		}
		if err := compareSlopes(in.name+": gradient", v.Gradient, in.x, slopes, in, quick, b.value); err != nil {
			return err
		}
	}
	return nil
}

// rewinder is what puts back what the loss carries on from batch to batch in its parameters, for
// another value of the same graph as if of a fresh loss.
func rewinder(loss losses.Loss) func() {
	p := losses.ParamsOf(loss)
	if p == nil {
		return func() {}
	}
	items := p.All()
	first := make([]*tensor.Dense, len(items))
	for i, item := range items {
		first[i] = item.Value.Clone().(*tensor.Dense)
	}
	return func() {
		for i, item := range items {
			_ = tensor.Copy(item.Value, first[i]) // of one shape
		}
	}
}

// compareSlopes compares a gradient with the central differences of the value in x, a part of in.
// A value of a fresh loss takes a graph of its own, so differences of quick are asked first, if
// there is one: a loss that carries on elsewhere than in its parameters is not right there, and
// gets the others.
func compareSlopes[T any](what string, gradient, x []float64, slopes slopes, in T, quick, value func(T) (losses.Value, error)) error {
	of := func(value func(T) (losses.Value, error)) error {
		analytic, numeric, err := slopes(gradient, x, func() (losses.Value, error) { return value(in) })
		if err != nil {
			return err
		}
		return compare(what, analytic, numeric, tolerance)
	}
	if quick != nil && of(quick) == nil {
		return nil
	}
	return of(value)
}

func (b *bench) learns() error {
	for _, in := range b.batches() {
		v, err := b.value(in)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(v.Gradient, func(g float64) bool { return g != 0 }) {
			return nil
		}
	}
	return errors.New("losstest: the gradient is 0 on every random batch: nothing would be learned")
}

// slopes are derivatives of a loss in x, from its gradient and from central differences.
type slopes func(gradient, x []float64, value func() (losses.Value, error)) (analytic, numeric []float64, err error)

// entries are the derivatives in each entry of x.
func entries(gradient, x []float64, value func() (losses.Value, error)) (analytic, numeric []float64, err error) {
	direction := make([]float64, len(x))
	for i := range x {
		direction[i] = 1
		slope, err := central(x, direction, step, value)
		if err != nil {
			return nil, nil, err
		}
		direction[i] = 0
		numeric = append(numeric, slope)
	}
	return gradient, numeric, nil
}

// directions are the derivatives in directions that take each entry of x by 1 or −1: a fault of one
// entry shows in all of them, and those of several entries cannot outweigh each other in all.
func (b *bench) directions() slopes {
	const count = 12
	return func(gradient, x []float64, value func() (losses.Value, error)) (analytic, numeric []float64, err error) {
		direction := make([]float64, len(x))
		for range count {
			sum := 0.0
			for i, g := range gradient {
				direction[i] = float64(2*b.rng.IntN(2) - 1)
				sum += direction[i] * g
			}
			slope, err := central(x, direction, step, value)
			if err != nil {
				return nil, nil, err
			}
			analytic, numeric = append(analytic, sum), append(numeric, slope)
		}
		return analytic, numeric, nil
	}
}

// central is the central difference of a loss in x, which it leaves as it was.
func central(x, direction []float64, h float64, value func() (losses.Value, error)) (float64, error) {
	at := slices.Clone(x)
	defer copy(x, at)
	var sides [2]float64
	for k, h := range []float64{h, -h} {
		for i, d := range direction {
			x[i] = at[i] + h*d
		}
		v, err := value()
		if err != nil {
			return 0, err
		}
		sides[k] = v.Loss
	}
	return (sides[0] - sides[1]) / (2 * h), nil
}

func (b *bench) parameterDifferences() error {
	params := losses.ParamsOf(b.loss)
	if params == nil {
		return nil
	}
	in := b.batches()[0]
	v, err := b.value(in)
	if err != nil {
		return err
	}
	for name, grad := range v.Params {
		item := params.Lookup(name)
		if item == nil {
			return errors.Errorf("losstest: the parameter %s cannot be looked up", name)
		}
		memory, ok := item.Value.Data().([]float64)
		if !ok {
			return errors.Errorf("losstest: the parameter %s has elements of %v in a graph of float64", name, item.Value.Dtype())
		}
		if err := compareSlopes("gradient to "+name, grad, memory, entries, in, nil, b.value); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) order() error {
	for _, in := range b.batches() {
		want, err := b.value(in)
		if err != nil {
			return err
		}
		perm := b.rng.Perm(Batch)
		mixed := batch{x: make([]float64, len(in.x)), y: make([]int, len(in.y))}
		grad := make([]float64, len(in.x))
		for to, from := range perm {
			copy(mixed.x[to*Embedding:(to+1)*Embedding], in.x[from*Embedding:(from+1)*Embedding])
			copy(grad[to*Embedding:(to+1)*Embedding], want.Gradient[from*Embedding:(from+1)*Embedding])
			mixed.y[to] = in.y[from]
		}
		got, err := b.value(mixed)
		if err != nil {
			return err
		}
		want.Gradient = grad
		if err := compareValues(in.name+", reordered", got, want, 1e-9); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) names() error {
	for _, in := range b.batches() {
		want, err := b.value(in)
		if err != nil {
			return err
		}
		renamed := make([]int, Batch)
		for i, c := range in.y {
			renamed[i] = []int{7, 0, 1000, 3}[c]
		}
		got, err := b.value(batch{x: in.x, y: renamed})
		if err != nil {
			return err
		}
		if err := compareValues(in.name+", renamed", got, want, 1e-9); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) labellings() error {
	x := b.random("", 12).x
	for range 5 {
		y := make([]int, Batch)
		classes := 1 + b.rng.IntN(Classes)
		for i := range y {
			y[i] = b.rng.IntN(classes)
		}
		got, err := b.value(batch{x: x, y: y})
		if err != nil {
			return err
		}
		want, err := losses.Evaluate(b.loss, x, y, tensor.Float64)
		if err != nil {
			return err
		}
		if err := compareValues("a graph used again", got, want, 1e-12); err != nil {
			return err
		}
	}
	return nil
}

// corners are batches where formulas divide by 0 or take roots and logarithms of it.
func (b *bench) corners() error {
	different := b.random("all classes different", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	twins := b.random("equal points of one class and of two", 3, 3, 3, 3)
	slices.Sort(twins.y)
	copy(twins.x[Embedding:2*Embedding], twins.x[:Embedding])
	copy(twins.x[8*Embedding:9*Embedding], twins.x[:Embedding])
	same := b.random("all points equal", 3, 3, 3, 3)
	for i := range same.x {
		same.x[i] = same.x[i%Embedding]
	}
	zeros := b.random("zero vectors", 3, 3, 3, 3)
	clear(zeros.x[:4*Embedding])
	origin := b.random("all points zero", 3, 3, 3, 3)
	clear(origin.x)
	far := b.random("far away points", 3, 3, 3, 3)
	for i := range far.x {
		far.x[i] *= 1e4
	}
	for _, in := range []batch{b.random("one class", 12), different, twins, same, zeros, origin, far} {
		for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
			v, err := b.in(dt, in)
			if err != nil {
				return errors.Wrapf(err, "losstest: %s in %v", in.name, dt)
			}
			if err := finite(v); err != nil {
				return errors.Wrapf(err, "losstest: %s in %v", in.name, dt)
			}
		}
	}
	return nil
}

func finite(v losses.Value) error {
	lists := map[string][]float64{"the loss": {v.Loss}, "the gradient": v.Gradient}
	for name, p := range v.Params {
		lists["the gradient to "+name] = p
	}
	for what, list := range lists {
		for _, x := range list {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return errors.Errorf("%s is %g, want a finite number", what, x)
			}
		}
	}
	return nil
}

// in evaluates the loss in another type, its parameters converted for the while.
func (b *bench) in(dt tensor.Dtype, in batch) (losses.Value, error) {
	if b.constant() {
		e, err := b.evaluator(dt)
		if err != nil {
			return losses.Value{}, err
		}
		return e.Value(in.x, in.y)
	}
	loss := b.loss
	if b.fresh != nil {
		loss = b.fresh()
	}
	p := losses.ParamsOf(loss)
	if p == nil || dt == tensor.Float64 || b.fresh != nil {
		return losses.Evaluate(loss, in.x, in.y, dt)
	}
	if err := p.Convert(dt); err != nil {
		return losses.Value{}, err
	}
	v, err := losses.Evaluate(loss, in.x, in.y, dt)
	if back := p.Convert(tensor.Float64); err == nil {
		err = back
	}
	return v, err
}

func (b *bench) float32() error {
	for _, in := range b.batches() {
		short, err := b.in(tensor.Float32, in)
		if err != nil {
			return err
		}
		// Parameters went through float32, so both start from the same numbers.
		long, err := b.in(tensor.Float64, in)
		if err != nil {
			return err
		}
		if err := compareValues(in.name+" in float32", short, long, 1e-4); err != nil {
			return err
		}
	}
	return nil
}

// repeats checks that a loss that draws or remembers begins in the same way every time.
func (b *bench) repeats() error {
	if b.fresh == nil {
		return nil
	}
	for _, in := range b.batches() {
		one, err := b.value(in)
		if err != nil {
			return err
		}
		other, err := b.value(in)
		if err != nil {
			return err
		}
		if err := compareValues(in.name+", once more", other, one, 0); err != nil {
			return err
		}
	}
	return nil
}
