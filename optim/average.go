package optim

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/machine"
)

// AverageConfig asks for exponential moving averages of the weights, which often generalise better
// than the weights themselves (B. T. Polyak and A. B. Juditsky, 1992; T. Salimans et al., 2016):
//
//	ā ← κ·ā + (1 − κ)·w after each step t = 1, 2, …
//
// κ is Decay or, until it gets there, (1 + t)/(10 + t), so that the initial weights are soon
// forgotten. The running statistics of batch normalisation are averaged like weights.
type AverageConfig struct {
	Decay    float64 `json:"decay,omitempty" yaml:"decay,omitempty" flag:"ema" arg:"DECAY" doc:"measure and save running averages of the weights, of which each step keeps this share, such as 0.999; 0 for the weights themselves" min:"0" below:"1" want:"a share from 0 to below 1"`
	Constant bool    `json:"constant,omitempty" yaml:"constant,omitempty" doc:"keep that share from the first step on; without it step t keeps at most (1 + t)/(10 + t), so that the initial weights are soon forgotten"` // κ is Decay at every step
}

// Kept is κ at a step, counted from 1.
func (c AverageConfig) Kept(step int) float64 {
	if c.Constant {
		return c.Decay
	}
	return min(c.Decay, float64(1+step)/float64(10+step))
}

// Averaging says of what averages are made, and where.
type Averaging struct {
	AverageConfig
	// Of has the weights, and Into the averages: each of its tensors becomes the average of that of
	// the same name in Of. Such a set comes of building the network for evaluation over it.
	Of, Into *graph.Params
}

// averages are the pairs of a solver that averages.
type averages struct {
	Averaging
	all    []averagePair
	moving []averagePair // of these those that steps change
	pieces []averagePair
	start  func() error // averages ← weights
	take   func() error // weights ← averages
	share  float64      // of the step in progress
	move   func(lo, hi int)
}

type averagePair struct {
	name     string
	shape    []int
	from, to []float32
}

func newAverages(a *Averaging, learned []*slot, dev *machine.Device, goesOn bool) (*averages, error) {
	switch {
	case !(a.Decay >= 0 && a.Decay < 1):
		return nil, errors.Errorf("optim: the averages' Decay is %v, want a share from 0 to below 1", a.Decay)
	case a.Of == nil || a.Into == nil || a.Of == a.Into:
		return nil, errors.New("optim: averages need two sets of parameters, Of and Into")
	case len(a.Into.All()) == 0:
		return nil, errors.New("optim: the set of the averages, Into, has no tensors: build the network for evaluation over it first")
	}
	s := &averages{Averaging: *a}
	s.move = s.movePieces
	var from, to [][]float32
	for _, item := range a.Into.All() {
		p, err := s.pair(item, learned)
		if err != nil {
			return nil, err
		}
		from, to = append(from, p.from), append(to, p.to)
	}
	var err error
	s.start, err = dev.Copier(to, from)
	if err == nil {
		s.take, err = dev.Copier(from, to)
	}
	if err == nil && !goesOn {
		err = s.start()
	}
	return s, errors.Wrap(err, "optim: averages")
}

// pair takes a tensor of Into with that of Of.
func (s *averages) pair(item *graph.Param, learned []*slot) (p averagePair, err error) {
	name := s.Into.NameOf(item)
	of := s.Of.Lookup(name)
	switch {
	case of == nil:
		return p, errors.Errorf("optim: there is no %s to make the average of", name)
	case of.Value == nil || item.Value == nil || of.Value.Dtype() != tensor.Float32 || item.Value.Dtype() != tensor.Float32:
		return p, errors.Errorf("optim: the average of %s: it is not of float32", name)
	case !of.Shape().Eq(item.Shape()):
		return p, errors.Errorf("optim: the average of %s has shape %v, but it itself %v", name, item.Shape(), of.Shape())
	}
	p = averagePair{name, item.Shape().Clone(), of.Value.Float32s(), item.Value.Float32s()}
	s.all = append(s.all, p)
	if !of.Buffer && !slices.ContainsFunc(learned, func(t *slot) bool { return &t.Weights[0] == &p.from[0] }) {
		return p, nil
	}
	s.moving = append(s.moving, p)
	for lo := 0; lo < len(p.to); lo += pieceSize {
		hi := min(lo+pieceSize, len(p.to))
		s.pieces = append(s.pieces, averagePair{from: p.from[lo:hi], to: p.to[lo:hi]})
	}
	return p, nil
}

// step moves the averages on the CPU.
func (s *averages) step(number int) {
	s.share = 1 - s.Kept(number)
	loops.Parallel(len(s.pieces), 1, s.move)
}

func (s *averages) movePieces(lo, hi int) {
	for _, p := range s.pieces[lo:hi] {
		loops.MoveAverage(p.to, p.from, s.share)
	}
}

// remote is the pairs on the device.
func (s *averages) remote(dev *machine.Device) (pairs []device.Pair) {
	if s == nil {
		return nil
	}
	for _, p := range s.moving {
		pairs = append(pairs, device.Pair{Dst: dev.Memory(p.to), Src: dev.Memory(p.from), N: len(p.to)})
	}
	return pairs
}

// StartAverages makes the averages what the weights are, after these were written by somebody else
// than the solver; without averages it does nothing.
func (s *Solver) StartAverages() error {
	if s.averages == nil {
		return nil
	}
	return errors.Wrap(s.averages.start(), "optim: averages")
}

// TakeAverages makes the weights what the averages are, such as at the end of a training; without
// averages it does nothing.
func (s *Solver) TakeAverages() error {
	if s.averages == nil {
		return nil
	}
	return errors.Wrap(s.averages.take(), "optim: averages")
}
