package optim

import (
	"math"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/cpu/loops"
)

// Tensor is a learned tensor of float32 with its gradient.
type Tensor struct {
	Name    string
	Shape   []int
	Weights []float32   // the memory that the graph reads
	Grad    *graph.Kept // of the last run of the graph; with Rows, of these alone: their Values
	Scale   float64     // learning rate ÷ that of the others, such as graph.Param.Rate

	// Begun is how many steps the solver had made before the tensor came to it, such as weights that were frozen at
	// first: Adam's and LAMB's running means, which begin at 0, are corrected from there on. See Options.Continue.
	Begun int

	// Rows, if not nil, are the rows that the last run of the graph named, which a step moves alone: see
	// Config.AllRows.
	Rows *graph.KeptRows
}

// RowsOf is the tensor of a parameter whose gradient is kept by rows.
func RowsOf(p *graph.Param, rows *graph.KeptRows) (Tensor, error) {
	if rows == nil {
		return Tensor{}, errors.New("optim: the rows of a gradient are nil")
	}
	t, err := TensorOf(p, rows.Values())
	t.Rows = rows
	return t, err
}

// TensorOf is the tensor of a parameter whose gradient is kept.
func TensorOf(p *graph.Param, grad *graph.Kept) (Tensor, error) {
	switch {
	case p == nil || grad == nil:
		return Tensor{}, errors.New("optim: a parameter or its gradient is nil")
	case p.Value == nil || p.Value.Dtype() != tensor.Float32:
		return Tensor{}, errors.Errorf("optim: parameter %s is not of float32: solvers move float32 alone; make the set with that type, or Convert it", p.Name)
	}
	return Tensor{Name: p.Name, Shape: p.Value.Shape().Clone(), Weights: p.Value.Float32s(), Grad: grad, Scale: p.Rate()}, nil
}

// check refuses a tensor that no solver can move.
func (t Tensor) check() error {
	n := 1
	for _, side := range t.Shape {
		n *= side
	}
	switch {
	case n != len(t.Weights) || n == 0:
		return errors.Errorf("optim: tensor %s has %d weights and shape %v", t.Name, len(t.Weights), t.Shape)
	case t.Grad == nil:
		return errors.Errorf("optim: tensor %s has no gradient: keep it with graph.Keep, or make all by Gradients", t.Name)
	case t.Rows != nil && (t.Grad != t.Rows.Values() || n != t.Rows.Size()):
		return errors.Errorf("optim: the rows of the gradient to tensor %s are of another tensor", t.Name)
	case t.Rows == nil && !slices.Equal(t.Grad.Shape(), t.Shape):
		return errors.Errorf("optim: tensor %s has shape %v, but its gradient %v", t.Name, t.Shape, t.Grad.Shape())
	case t.Begun < 0:
		return errors.Errorf("optim: the tensor %s has a Begun of %d, want a number of steps", t.Name, t.Begun)
	case !finite(t.Scale) || t.Scale < 0:
		return errors.Errorf("optim: the learning-rate scale of %s is %v, want a number of at least 0", t.Name, t.Scale)
	}
	return nil
}

// slot is a tensor with what a solver knows of it.
type slot struct {
	Tensor
	index  int
	given  int // numbers of the gradient that the graph keeps
	size   int // of that which steps are made of
	named  namedRows
	kept   []float32 // gradient as the graph has it
	g      []float32 // that of the step in progress: kept, or its numbers clipped by value
	vector bool
	decay  float64
	rate   float64 // learning rate ÷ that of the run
	now    float64 // the same in the step in progress
	first  []float32
	second []float32

	correction loops.Correction // of the step in progress
}

// isVector tells a bias, or batch norm's scale or shift, from a matrix or a kernel.
func isVector(shape []int) bool {
	long := slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
	return len(long) <= 1
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
