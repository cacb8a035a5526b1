package trainer

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/internal/device/cpu"
	"medusa/internal/safetensors"
	"medusa/machine"
)

// slot is one learned tensor as a solver sees it.
type slot struct {
	name   string
	shape  []int
	w      []float32 // the graph's own memory
	grad   *graph.Kept
	g      []float32
	decay  float64
	rate   float64 // learning rate ÷ that of the run
	now    float64 // the same in the step in progress
	first  []float32
	second []float32
}

// solver turns gradients into steps. Work is cut into pieces that do not depend on the
// number of threads, and so no result does.
type solver struct {
	cfg    SolverConfig
	slots  []*slot
	count  int // steps so far
	pieces []piece
	sums   []float64 // Σ g² of each piece
	dev    *machine.Device
	remote device.Solver // of a device, made at the first step
	moves  [][]float32   // what a step changes: weights and state
	flying int           // steps begun and not ended
	result stepResult    // of the CPU's step

	factor func(step int, parameter string) float64 // on rates; nil is 1

	lr, scale  float64 // of the step in progress
	norm, step func(lo, hi int)
}

type piece struct {
	slot   *slot
	lo, hi int
}

const pieceSize = 1 << 14

// newSolver makes the state for slots whose name, shape, w, grad and rate are set.
func newSolver(cfg SolverConfig, slots []*slot, dev *machine.Device) (*solver, error) {
	s := &solver{cfg: cfg, slots: slots, dev: dev}
	for _, t := range slots {
		t.now = t.rate
		if cfg.DecayAll || !isVector(t.shape) {
			t.decay = cfg.WeightDecay
		}
		switch {
		case cfg.Name == "sgd" && cfg.Momentum != 0:
			t.first = make([]float32, len(t.w))
		case cfg.Name == "adam" || cfg.Name == "adamw" || cfg.Name == "rmsprop" && cfg.Momentum != 0:
			t.first = make([]float32, len(t.w))
			fallthrough
		case cfg.Name == "rmsprop":
			t.second = make([]float32, len(t.w))
		}
		for lo := 0; lo < len(t.w); lo += pieceSize {
			s.pieces = append(s.pieces, piece{t, lo, min(lo+pieceSize, len(t.w))})
		}
	}
	s.sums = make([]float64, len(s.pieces))
	s.norm, s.step = s.normPieces, s.stepPieces
	s.moves = append(s.weights(), s.state()...)
	return s, nil
}

// weights is the learned tensors.
func (s *solver) weights() [][]float32 {
	var out [][]float32
	for _, t := range s.slots {
		out = append(out, t.w)
	}
	return out
}

// state is what the solver keeps of the past.
func (s *solver) state() [][]float32 {
	var out [][]float32
	for _, t := range s.slots {
		for _, x := range [][]float32{t.first, t.second} {
			if x != nil {
				out = append(out, x)
			}
		}
	}
	return out
}

// begin makes one step with the gradients scaled down to a norm of clip, unless that is 0.
// Nothing moves if loss or gradient are not finite. On a device it only puts the step there;
// two may be under way.
func (s *solver) begin(loss *graph.Kept, lr, clip float64) error {
	rates, err := s.rates()
	if err != nil {
		return err
	}
	if s.dev == nil {
		r := stepResult{loss: loss.Scalar(), squared: s.squaredNorm()}
		if r.made() {
			s.apply(lr, clipping(clip, math.Sqrt(r.squared)))
		} else {
			r.broken = s.broken()
		}
		s.result = r
		s.flying++
		return nil
	}
	if err := s.dev.Change(s.moves...); err != nil {
		return err
	}
	if s.remote == nil {
		if err := s.makeRemote(); err != nil {
			return err
		}
	}
	if err := s.remote.Step(loss.Remote(), lr, clip, s.count+s.flying+1, rates); err != nil {
		return err
	}
	s.flying++
	return nil
}

// rates are those of the tensors in the step that is begun; nil if they are as ever.
func (s *solver) rates() ([]float64, error) {
	if s.factor == nil {
		return nil, nil
	}
	number := s.count + 1
	if s.dev != nil {
		number += s.flying
	}
	rates := make([]float64, len(s.slots))
	for i, t := range s.slots {
		f := s.factor(number, t.name)
		if !finite(f) || f < 0 {
			return nil, errors.Errorf("Rate gives %v for %s at step %d, want a number of at least 0", f, t.name, number)
		}
		t.now = t.rate * f
		rates[i] = t.now
	}
	return rates, nil
}

// end waits for the first step under way. If it was not made, no step is under way any more.
func (s *solver) end() (stepResult, error) {
	if s.dev == nil {
		s.flying--
		return s.result, nil
	}
	got, err := s.remote.Result()
	r := stepResult{loss: got.Loss, squared: got.Squared}
	for _, i := range got.Broken {
		r.broken = append(r.broken, s.slots[i].name)
	}
	if err != nil || !r.made() {
		s.flying = 0
		return r, err
	}
	s.flying--
	s.count++
	return r, nil
}

// broken is the tensors whose gradient is not finite.
func (s *solver) broken() []string {
	var names []string
	for _, t := range s.slots {
		if slices.ContainsFunc(t.g, func(v float32) bool { return !finite(float64(v)) }) {
			names = append(names, t.name)
		}
	}
	return names
}

func (s *solver) makeRemote() (err error) {
	c := s.cfg
	rule := device.SolverRule{Name: c.Name, Momentum: c.Momentum, Beta1: c.Beta1, Beta2: c.Beta2, Alpha: c.Alpha, Eps: c.Eps, Nesterov: c.Nesterov}
	var tensors []device.SolverTensor
	for _, t := range s.slots {
		tensors = append(tensors, device.SolverTensor{
			N: len(t.w), W: s.dev.Memory(t.w), G: t.grad.Remote(), First: s.dev.Memory(t.first), Second: s.dev.Memory(t.second), Decay: t.decay, Rate: t.rate,
		})
	}
	s.remote, err = s.dev.Accelerator().NewSolver(rule, tensors)
	return err
}

// isVector tells a bias, or batch norm's scale or shift, from a matrix or a kernel.
func isVector(shape []int) bool {
	long := slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
	return len(long) <= 1
}

// squaredNorm reads the gradients and returns the square of their global norm, which is
// not finite if any of their elements is not.
func (s *solver) squaredNorm() float64 {
	for _, t := range s.slots {
		if t.grad != nil {
			t.g = t.grad.Float32s()
		}
	}
	cpu.Parallel(len(s.pieces), 1, s.norm)
	sum := 0.0
	for _, v := range s.sums {
		sum += v
	}
	return sum
}

func (s *solver) normPieces(lo, hi int) {
	for i := lo; i < hi; i++ {
		p := s.pieces[i]
		s.sums[i] = cpu.SumSquares(p.slot.g[p.lo:p.hi])
	}
}

// apply makes one step with the gradients times scale.
func (s *solver) apply(lr, scale float64) {
	s.count++
	s.lr, s.scale = lr, scale
	cpu.Parallel(len(s.pieces), 1, s.step)
}

func (s *solver) stepPieces(lo, hi int) {
	for i := lo; i < hi; i++ {
		p := s.pieces[i]
		s.stepPiece(p.slot, p.lo, p.hi)
	}
}

func (s *solver) stepPiece(t *slot, lo, hi int) {
	c, lr := s.cfg, s.lr*t.now
	switch c.Name {
	case "sgd":
		cpu.SGD{LR: lr, Momentum: c.Momentum, Nesterov: c.Nesterov, Decay: t.decay, Scale: s.scale}.
			Step(lo, hi, t.w, t.g, t.first)
	case "adam", "adamw":
		cpu.Adam{LR: lr, Beta1: c.Beta1, Beta2: c.Beta2, Eps: c.Eps, Decay: t.decay, Scale: s.scale,
			Decoupled: c.Name == "adamw", Count: s.count}.Step(lo, hi, t.w, t.g, t.first, t.second)
	case "rmsprop":
		cpu.RMSProp{LR: lr, Alpha: c.Alpha, Eps: c.Eps, Momentum: c.Momentum, Decay: t.decay, Scale: s.scale}.
			Step(lo, hi, t.w, t.g, t.second, t.first)
	}
}

// tensors is the state as it is stored: the moments share the solver's memory.
func (s *solver) tensors(prefix string) []safetensors.Tensor {
	out := []safetensors.Tensor{{Name: prefix + "count", I64: []int64{int64(s.count)}}}
	for _, t := range s.slots {
		if t.first != nil {
			out = append(out, safetensors.Tensor{Name: prefix + t.name + "/first", Shape: t.shape, F32: t.first})
		}
		if t.second != nil {
			out = append(out, safetensors.Tensor{Name: prefix + t.name + "/second", Shape: t.shape, F32: t.second})
		}
	}
	return out
}
