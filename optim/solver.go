package optim

import (
	"math"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/exclusive"
	"medusa/internal/field"
	"medusa/machine"
)

// Options are what a solver may be told besides its Config.
type Options struct {
	Device *machine.Device // that holds the weights and runs the graph; nil is the CPU
	Groups []Group         // of parameters that differ from the others

	// Clip is the largest global norm of the gradient, of all tensors together: a longer one is
	// scaled down to it. 0 does not clip.
	Clip float64

	// ClipValue is the largest size of a number of the gradient: a larger one is brought to it, before
	// the norm is taken. 0 does not clip.
	ClipValue float64

	// Average, if not nil, has the solver keep averages of the weights.
	Average *Averaging

	// Continue, if not nil, is a solver whose past this one takes over: the number of its steps, its moments, and its
	// averages, of every tensor of the same name. The two differ in what they move, as where weights that were frozen learn
	// from now on: what the other did not know begins at 0, and Tensor.Begun says when. No step of the other is under way.
	Continue *Solver

	// Rate, if not nil, is a factor on the learning rate of each parameter at each step, counted from
	// 1. At 0 the parameter is frozen for that step, and there is no weight decay either; what the
	// solver knows of its gradients goes on.
	Rate func(step int, parameter string) float64
}

// Solver turns gradients into steps. Work is cut into pieces that do not depend on the number of
// threads, and so no result does. One goroutine uses it at a time, and another one gets an error.
type Solver struct {
	cfg      Config
	o        Options
	use      exclusive.Use
	slots    []*slot
	count    int // steps so far
	pending  int // steps begun and not ended
	pieces   []piece
	sums     []float64 // Σ g² of each piece
	lamb     *lamb     // nil of other solvers
	averages *averages // nil if there are none
	remote   device.Solver
	changes  [][]float32 // what a step on a device changes
	result   Result      // of the CPU's step

	lr, scale  float64 // of the step in progress
	norm, step func(lo, hi int)
}

// piece is numbers of a gradient.
type piece struct {
	slot   *slot
	lo, hi int
}

const pieceSize = 1 << 14

// MaxPending is how many steps may have been begun and not ended.
const MaxPending = 2

// Result is what a step was made of.
type Result struct {
	Loss    float64
	Squared float64  // of the gradient's global norm, before it was clipped
	Broken  []string // the tensors whose gradient is not finite
}

// Made reports whether the step was: whether loss and gradient are finite.
func (r Result) Made() bool { return finite(r.Loss) && finite(r.Squared) }

// New makes a solver for tensors, such as Gradients gives. Their gradients may be of several
// graphs.
func New(cfg Config, tensors []Tensor, o Options) (*Solver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.Defaults()
	if !(o.Clip >= 0) {
		return nil, errors.Errorf("optim: Options.Clip is %v, want a positive norm, or 0 for none", o.Clip)
	}
	if !(o.ClipValue >= 0) || o.ClipValue > 0 && float32(o.ClipValue) == 0 {
		return nil, errors.Errorf("optim: Options.ClipValue is %v, want a positive number of float32, or 0 for none", o.ClipValue)
	}
	s := &Solver{cfg: cfg, o: o}
	if err := s.addTensors(tensors); err != nil {
		return nil, err
	}
	if err := s.checkLate(); err != nil {
		return nil, err
	}
	s.sums = make([]float64, len(s.pieces))
	s.norm, s.step = s.normPieces, s.stepPieces
	if cfg.Name == "lamb" {
		s.lamb = newLAMB(s)
	}
	if o.Average != nil {
		var err error
		if s.averages, err = newAverages(o.Average, s.slots, o.Device, o.Continue != nil); err != nil {
			return nil, err
		}
	}
	if o.Continue != nil {
		return s, s.takeOver(o.Continue)
	}
	return s, nil
}

// addTensors makes a slot of each tensor.
func (s *Solver) addTensors(tensors []Tensor) error {
	if len(tensors) == 0 {
		return ErrNothingLearned
	}
	names := make([]string, len(tensors))
	for i, t := range tensors {
		if err := t.check(); err != nil {
			return err
		}
		if names[i] = t.Name; slices.Contains(names[:i], t.Name) {
			return errors.Errorf("optim: two tensors are called %s", t.Name)
		}
		s.slots = append(s.slots, s.slotOf(t))
	}
	for _, g := range s.o.Groups {
		if err := g.check(names); err != nil {
			return err
		}
	}
	for _, g := range s.cfg.spared() {
		if !slices.ContainsFunc(names, g.has) {
			return field.Errorf("optim", "", "%s has %q, which fits the name of no parameter that is learned; names are such as %s", field.Name("NoDecay"), g.Names, names[0])
		}
	}
	return nil
}

func (s *Solver) slotOf(t Tensor) *slot {
	x := &slot{Tensor: t, rate: t.Scale, vector: isVector(t.Shape)}
	if s.cfg.DecayAll || !x.vector {
		x.decay = s.cfg.WeightDecay
	}
	if strings.HasPrefix(t.Name, LossPrefix) {
		x.rate *= s.cfg.LossLR
	}
	for _, g := range append(s.cfg.spared(), s.o.Groups...) {
		if g.has(t.Name) {
			x.rate *= g.LR
			x.decay *= g.Decay
		}
	}
	x.now = x.rate
	n := len(t.Weights)
	x.index = len(s.slots)
	x.nameRows(s.cfg.AllRows)
	if s.o.ClipValue > 0 && s.o.Device == nil {
		x.g = make([]float32, x.size)
	}
	first, second := s.cfg.moments()
	if first {
		x.first = make([]float32, n)
	}
	if second {
		x.second = make([]float32, n)
	}
	step := x.pieceSize()
	for lo := 0; lo < x.size; lo += step {
		s.pieces = append(s.pieces, piece{x, lo, min(lo+step, x.size)})
	}
	return x
}

// moments tells which running sums the solver keeps for each weight.
func (c Config) moments() (first, second bool) {
	switch c.Name {
	case "adam", "adamw", "lamb":
		return true, true
	case "lion":
		return true, false
	case "rmsprop":
		return c.Momentum != 0, true
	}
	return c.Momentum != 0, false
}

// weights is the learned tensors.
func (s *Solver) weights() [][]float32 {
	var out [][]float32
	for _, t := range s.slots {
		out = append(out, t.Weights)
	}
	return out
}

// memory is that of State.
func (s *Solver) memory() [][]float32 {
	var out [][]float32
	for _, t := range s.State() {
		out = append(out, t.F32)
	}
	return out
}

// Config is the solver's configuration with everything filled in.
func (s *Solver) Config() Config { return s.cfg }

// Steps is how many steps were made.
func (s *Solver) Steps() int { return s.count }

// Pending is how many steps were begun and have not ended.
func (s *Solver) Pending() int { return s.pending }

// Tensors lists what the solver moves.
func (s *Solver) Tensors() []Tensor {
	out := make([]Tensor, len(s.slots))
	for i, t := range s.slots {
		out[i] = t.Tensor
	}
	return out
}

// LR is the learning rate of tensor i of Tensors ÷ that of the step, in the step begun last.
func (s *Solver) LR(i int) float64 { return s.slots[i].now }

const theSolver = "optim: the solver"

// Step makes a step with the gradients of the graph's last run, at the learning rate lr, and waits
// for it; loss is the graph's, as Keep has it. If loss or gradient are not finite nothing moves,
// and the error is a NotFiniteError.
func (s *Solver) Step(loss *graph.Kept, lr float64) (Result, error) {
	if s.pending > 0 {
		return Result{}, errors.New("optim: a step is under way: call End first")
	}
	if err := s.Begin(loss, lr); err != nil {
		return Result{}, err
	}
	r, err := s.End()
	if err == nil && !r.Made() {
		err = &NotFiniteError{r}
	}
	return r, err
}

// NotFiniteError says that a loss or a gradient is NaN or infinite, and the step was not made.
type NotFiniteError struct{ Result Result }

func (e *NotFiniteError) Error() string {
	where := ""
	if len(e.Result.Broken) > 0 {
		where = ", not finite to " + strings.Join(e.Result.Broken, ", ")
	}
	return errors.Errorf("optim: the loss is %v, the square of the gradient's norm %v%s: the step was not made; lower the learning rate, warm it up, or clip the gradient",
		e.Result.Loss, e.Result.Squared, where).Error()
}

// Begin is Step without its result, for a device: it only puts the step there, and the graph may be
// run again while it is at work. MaxPending steps may have been begun before the first of them is
// ended. Once a step was not made, neither are those begun since.
func (s *Solver) Begin(loss *graph.Kept, lr float64) error {
	if err := s.use.Begin(theSolver); err != nil {
		return err
	}
	defer s.use.End()
	switch {
	case loss == nil:
		return errors.New("optim: the loss is nil, want what graph.Keep makes of it")
	case !finite(lr) || lr < 0:
		return errors.Errorf("optim: the learning rate is %v, want a number of at least 0", lr)
	case s.pending == MaxPending:
		return errors.Errorf("optim: %d steps are under way: call End first", MaxPending)
	}
	rates, err := s.rates()
	if err != nil {
		return err
	}
	if s.o.Device == nil {
		err = s.stepHere(loss, lr)
	} else {
		err = s.stepRemote(loss, lr, rates)
	}
	if err == nil {
		s.pending++
	}
	return err
}

// rates are those of the tensors in the step that is begun; nil if they are as ever.
func (s *Solver) rates() ([]float64, error) {
	if s.o.Rate == nil {
		return nil, nil
	}
	number := s.count + 1
	if s.o.Device != nil {
		number += s.pending
	}
	rates := make([]float64, len(s.slots))
	for i, t := range s.slots {
		f := s.o.Rate(number, t.Name)
		if !finite(f) || f < 0 {
			return nil, errors.Errorf("optim: Rate gives %v for %s at step %d, want a number of at least 0", f, t.Name, number)
		}
		t.now = t.rate * f
		rates[i] = t.now
	}
	return rates, nil
}

// End waits for the first step under way. If it was not made, no step is under way any more.
func (s *Solver) End() (Result, error) {
	if err := s.use.Begin(theSolver); err != nil {
		return Result{}, err
	}
	defer s.use.End()
	if s.pending == 0 {
		return Result{}, errors.New("optim: no step is under way: call Begin first")
	}
	if s.o.Device == nil {
		s.pending--
		return s.result, nil
	}
	return s.endRemote()
}

// stepHere makes a step on the CPU.
func (s *Solver) stepHere(loss *graph.Kept, lr float64) error {
	if err := s.gather(); err != nil {
		return err
	}
	r := Result{Loss: loss.Scalar(), Squared: s.squaredNorm()}
	if r.Made() {
		s.apply(lr, clipping(s.o.Clip, math.Sqrt(r.Squared)))
	} else {
		r.Broken = s.notFiniteTensors()
	}
	s.result = r
	return nil
}

// gather takes the gradients from where the graph keeps them.
func (s *Solver) gather() error {
	for _, t := range s.slots {
		g := t.Grad.Float32s()
		if len(g) != t.given {
			return errors.Errorf("optim: the gradient to %s has %d numbers, want %d: run the graph first", t.Name, len(g), t.given)
		}
		if t.kept = t.takeRows(g); s.o.ClipValue == 0 {
			t.g = t.kept
		}
	}
	return nil
}

// clipping is the factor that brings a gradient of that norm down to at most clip.
func clipping(clip, norm float64) float64 {
	if clip > 0 && norm > clip {
		return clip / norm
	}
	return 1
}

// notFiniteTensors is the tensors whose gradient is not finite.
func (s *Solver) notFiniteTensors() []string {
	var names []string
	for _, t := range s.slots {
		if slices.ContainsFunc(t.g, func(v float32) bool { return !finite(float64(v)) }) {
			names = append(names, t.Name)
		}
	}
	return names
}

// squaredNorm is the square of the gradients' global norm, which is not finite if any of their
// elements is not.
func (s *Solver) squaredNorm() float64 {
	loops.Parallel(len(s.pieces), 1, s.norm)
	sum := 0.0
	for _, v := range s.sums {
		sum += v
	}
	return sum
}

func (s *Solver) normPieces(lo, hi int) {
	for i := lo; i < hi; i++ {
		p := s.pieces[i]
		if most := s.o.ClipValue; most > 0 {
			loops.ClipValues(p.slot.g[p.lo:p.hi], p.slot.kept[p.lo:p.hi], float32(most))
		}
		s.sums[i] = loops.SumSquares(p.slot.g[p.lo:p.hi])
	}
}

// apply makes one step with the gradients times scale.
func (s *Solver) apply(lr, scale float64) {
	s.count++
	s.lr, s.scale = lr, scale
	for _, t := range s.slots {
		t.correction = s.correctionOf(t, s.count)
	}
	if s.lamb != nil {
		s.lamb.prepareStep()
	}
	loops.Parallel(len(s.pieces), 1, s.step)
	if s.averages != nil {
		s.averages.step(s.count)
	}
}

func (s *Solver) stepPieces(lo, hi int) {
	for i := lo; i < hi; i++ {
		p := s.pieces[i]
		p.slot.spans(p.lo, p.hi, func(x span) { s.stepSpan(p.slot, x) })
	}
}

func (s *Solver) stepSpan(t *slot, x span) {
	c, lr, n := &s.cfg, s.lr*t.now, len(x.g)
	switch c.Name {
	case "sgd":
		loops.SGD{LR: lr, Momentum: c.Momentum, Nesterov: c.Nesterov, Decay: t.decay, Scale: s.scale}.
			Step(0, n, x.w, x.g, x.first)
	case "adam", "adamw":
		loops.Adam{LR: lr, Beta1: c.Beta1, Beta2: c.Beta2, Eps: c.Eps, Decay: t.decay, Scale: s.scale,
			Decoupled: c.Name == "adamw", Correction: t.correction}.Step(0, n, x.w, x.g, x.first, x.second)
	case "rmsprop":
		loops.RMSProp{LR: lr, Alpha: c.Alpha, Eps: c.Eps, Momentum: c.Momentum, Decay: t.decay, Scale: s.scale}.
			Step(0, n, x.w, x.g, x.second, x.first)
	case "lion":
		loops.Lion{LR: lr, Beta1: c.Beta1, Beta2: c.Beta2, Decay: t.decay, Scale: s.scale}.Step(0, n, x.w, x.g, x.first)
	case "lamb":
		s.lamb.of(t).Step(0, n, s.lamb.ratios[t.index], x.w, x.first, x.second)
	}
}
