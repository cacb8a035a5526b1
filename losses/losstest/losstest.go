package losstest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/losses"
)

// Option says what a loss is like.
type Option int

// ByClass is for a loss that tells classes apart by their number, as one with weights or
// proxies of classes does. Labels then stay below Classes, and are not renamed.
const ByClass Option = iota + 1

// The size of the batches, and a bound of the labels in them.
const (
	Batch     = 12
	Embedding = 6
	Classes   = 12
)

// Run checks a loss in subtests.
func Run(t *testing.T, loss losses.Loss, options ...Option) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if err := newBench(loss, options).check(c); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check checks a loss and returns the first fault.
func Check(loss losses.Loss, options ...Option) error {
	for _, c := range checks {
		if err := newBench(loss, options).check(c); err != nil {
			return errors.Wrap(err, c.name)
		}
	}
	return nil
}

type check struct {
	name string
	run  func(b *bench) error
}

var checks = []check{
	{"central differences", (*bench).differences},
	{"central differences of the parameters", (*bench).parameterDifferences},
	{"order of the batch", (*bench).order},
	{"names of the classes", (*bench).names},
	{"one graph for all labellings", (*bench).labellings},
	{"corners", (*bench).corners},
	{"float32", (*bench).float32},
}

// bench is a loss under test.
type bench struct {
	loss    losses.Loss
	byClass bool
	rng     *rand.Rand
	eval    *losses.Evaluator
}

func newBench(loss losses.Loss, options []Option) *bench {
	b := &bench{loss: loss, rng: rand.New(rand.NewPCG(1, 2))}
	for _, o := range options {
		b.byClass = b.byClass || o == ByClass
	}
	return b
}

func (b *bench) check(c check) error {
	if b.loss == nil {
		return errors.New("losstest: the loss is nil")
	}
	var err error
	if b.eval, err = losses.NewEvaluator(b.loss, Batch, Embedding, tensor.Float64); err != nil {
		return err
	}
	defer b.eval.Close()
	return c.run(b)
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
	for name, p := range want.Params {
		if err := compare(what+": gradient to "+name, got.Params[name], p, tol); err != nil {
			return err
		}
	}
	return nil
}
