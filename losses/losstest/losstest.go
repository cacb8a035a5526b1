package losstest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/losses"
)

// Option says what a loss is like, so that a check which cannot hold for it is left out or made
// in another way. Each has a reason, for whoever reads the test.
type Option struct {
	kind   kind
	reason string
	fresh  func() losses.Loss
}

type kind int

const (
	byClass kind = iota + 1
	positional
	stopsGradient
	noReference
	random
	stateful
)

// ByClass is for a loss that tells classes apart by their number, as one with weights or
// proxies of classes does. Labels then stay below Classes, and are not renamed.
func ByClass(reason string) Option { return Option{kind: byClass, reason: reason} }

// Positional is for a loss to which the order of the batch says something, such as which rows
// are two views of one picture. The batch is not reordered.
func Positional(reason string) Option { return Option{kind: positional, reason: reason} }

// StopsGradient is for a loss whose gradient is not that of its value, since it holds a part
// of it fixed. The gradient is not compared with differences.
func StopsGradient(reason string) Option { return Option{kind: stopsGradient, reason: reason} }

// NoReference is for a loss that cannot compare with a reference set. It must say so with an
// error.
func NoReference(reason string) Option { return Option{kind: noReference, reason: reason} }

// Random is for a loss that draws numbers from a seed. fresh makes it anew, with its first
// draws before it: each value is taken of a fresh one, and two fresh ones must agree to the bit.
// The batch is not reordered, since draws belong to positions.
func Random(reason string, fresh func() losses.Loss) Option {
	return Option{kind: random, reason: reason, fresh: fresh}
}

// Stateful is for a loss that remembers batches. fresh makes it anew, without memories: each
// value is taken of a fresh one, and two fresh ones must agree to the bit.
func Stateful(reason string, fresh func() losses.Loss) Option {
	return Option{kind: stateful, reason: reason, fresh: fresh}
}

// The size of the batches and of the reference set, and a bound of the labels in them.
const (
	Batch     = 12
	Reference = 7
	Embedding = 6
	Classes   = 12
)

// Run checks a loss in subtests.
func Run(t *testing.T, loss losses.Loss, options ...Option) {
	t.Helper()
	shared := graphs{}
	defer shared.Close()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			b, err := newBench(loss, options, shared)
			if err != nil {
				t.Fatal(err)
			}
			if reason, without := b.without(c); without {
				t.Skip(reason)
			}
			if err := b.check(c); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check checks a loss and returns the first fault.
func Check(loss losses.Loss, options ...Option) error {
	shared := graphs{}
	defer shared.Close()
	for _, c := range checks {
		b, err := newBench(loss, options, shared)
		if err != nil {
			return err
		}
		if _, without := b.without(c); without {
			continue
		}
		if err := b.check(c); err != nil {
			return errors.Wrap(err, c.name)
		}
	}
	return nil
}

// check is one that a loss with an option in without cannot pass.
type check struct {
	name    string
	run     func(b *bench) error
	without []kind
}

var checks = []check{
	{"central differences", (*bench).differences, []kind{stopsGradient}},
	{"something is learned", (*bench).learns, nil},
	{"central differences of the parameters", (*bench).parameterDifferences, []kind{stopsGradient, random, stateful}},
	{"order of the batch", (*bench).order, []kind{positional, random}},
	{"names of the classes", (*bench).names, []kind{byClass}},
	{"one graph for all labellings", (*bench).labellings, []kind{random, stateful}},
	{"corners", (*bench).corners, nil},
	{"float32", (*bench).float32, nil},
	{"a fresh one repeats", (*bench).repeats, nil},
	{"a reference set", (*bench).reference, nil},
}

// bench is a loss under test.
type bench struct {
	loss    losses.Loss
	options []Option
	fresh   func() losses.Loss // nil: the loss is the same at all times
	rng     *rand.Rand
	graphs  graphs
}

// graphs are those of a loss, one for each type. To build one takes longer than to run it, so a
// loss that is the same at all times has one for all checks.
type graphs map[tensor.Dtype]*losses.Evaluator

func (g graphs) Close() {
	for _, e := range g {
		e.Close()
	}
	clear(g)
}

func newBench(loss losses.Loss, options []Option, shared graphs) (*bench, error) {
	b := &bench{loss: loss, options: options, rng: rand.New(rand.NewPCG(1, 2)), graphs: shared}
	for _, o := range options {
		if o.reason == "" {
			return nil, errors.New("losstest: an option needs a reason")
		}
		if o.kind != random && o.kind != stateful {
			continue
		}
		if o.fresh == nil {
			return nil, errors.New("losstest: a random or stateful loss needs a function that makes it anew")
		}
		b.fresh = o.fresh
	}
	return b, nil
}

// without is the reason why the loss cannot pass a check, if there is one.
func (b *bench) without(c check) (reason string, without bool) {
	for _, o := range b.options {
		if slices.Contains(c.without, o.kind) {
			return o.reason, true
		}
	}
	return "", false
}

func (b *bench) is(k kind) bool {
	return slices.ContainsFunc(b.options, func(o Option) bool { return o.kind == k })
}

func (b *bench) check(c check) error {
	if b.loss == nil {
		return errors.New("losstest: the loss is nil")
	}
	if !b.constant() {
		b.graphs = graphs{}
		defer b.graphs.Close()
	}
	if _, err := b.evaluator(tensor.Float64); err != nil {
		return err
	}
	return c.run(b)
}

// constant reports whether the loss has nothing that changes from check to check: no parameters,
// which are converted to another type and back, and no memories.
func (b *bench) constant() bool { return b.fresh == nil && losses.ParamsOf(b.loss) == nil }

func (b *bench) evaluator(dt tensor.Dtype) (*losses.Evaluator, error) {
	if e, ok := b.graphs[dt]; ok {
		return e, nil
	}
	e, err := losses.NewEvaluator(b.loss, Batch, Embedding, dt)
	if err == nil {
		b.graphs[dt] = e
	}
	return e, err
}

// value is the loss of a batch in float64, of a fresh loss if it is not always the same.
func (b *bench) value(in batch) (losses.Value, error) {
	if b.fresh != nil {
		return losses.Evaluate(b.fresh(), in.x, in.y, tensor.Float64)
	}
	e, err := b.evaluator(tensor.Float64)
	if err != nil {
		return losses.Value{}, err
	}
	return e.Value(in.x, in.y)
}

// batch is embeddings and their labels.
type batch struct {
	name string
	x    []float64
	y    []int
}

// random is a batch of classes of the given sizes in random order, at a distance scale
// that makes some terms active and others not.
func (b *bench) random(name string, sizes ...int) batch {
	out := batch{name: name, x: make([]float64, Batch*Embedding)}
	for class, n := range sizes {
		for range n {
			out.y = append(out.y, class)
		}
	}
	b.rng.Shuffle(len(out.y), func(i, j int) { out.y[i], out.y[j] = out.y[j], out.y[i] })
	for i := range out.x {
		out.x[i] = b.rng.NormFloat64() + math.Sin(float64(3*out.y[i/Embedding]+i%Embedding))
	}
	return out
}

// batches are balanced and unbalanced ones.
func (b *bench) batches() []batch {
	return []batch{
		b.random("4 classes of 3", 3, 3, 3, 3),
		b.random("classes of 5, 4, 2 and 1", 5, 4, 2, 1),
		b.random("2 classes of 6", 6, 6),
	}
}

// near tells whether two numbers differ by no more than tol of scale, or of 1.
func near(got, want, scale, tol float64) bool {
	return math.Abs(got-want) <= tol*max(math.Abs(scale), 1)
}

// compare returns an error that names the first number that is off.
func compare(what string, got, want []float64, tol float64) error {
	var scale float64
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if !near(got[i], w, scale, tol) {
			return errors.Errorf("losstest: %s: entry %d is %.12g, want %.12g", what, i, got[i], w)
		}
	}
	return nil
}

func compareValues(what string, got, want losses.Value, tol float64) error {
	if !near(got.Loss, want.Loss, want.Loss, tol) {
		return errors.Errorf("losstest: %s: the loss is %.12g, want %.12g", what, got.Loss, want.Loss)
	}
	if err := compare(what+": gradient", got.Gradient, want.Gradient, tol); err != nil {
		return err
	}
	if err := compare(what+": gradient to the reference set", got.Reference, want.Reference, tol); err != nil {
		return err
	}
	for name, p := range want.Params {
		if err := compare(what+": gradient to "+name, got.Params[name], p, tol); err != nil {
			return err
		}
	}
	return nil
}
