package gpu

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
)

// controlGiven is how many numbers of a step's control the host gives.
const controlGiven = controlAverage - controlLr + 1

// solverDepth is how many steps may be without a result.
const solverDepth = 2

type solver struct {
	d       *Device
	rule    device.SolverRule
	control *cuda.Buffer
	failed  *cuda.Buffer // the sums of squares of the first step that failed
	pieces  []int        // the tensor of each piece
	steps   []step
	table   *cuda.Buffer // of the tensors: recordWords words each
	words   []uint64     // that it holds
	turns   [solverDepth]turn
	begun   int // steps
	ended   int // results
}

// turn is what the host gives for a step, and gets.
type turn struct {
	given, got *cuda.Pinned
	rates      *cuda.Pinned // the table with the rates of the step; made when first needed
	done       *cuda.Event
}

// NewSolver makes a solver of tensors.
func (d *Device) NewSolver(rule device.SolverRule, tensors []device.SolverTensor, averages []device.Pair) (device.Solver, error) {
	s := &solver{d: d, rule: rule}
	all, clipped, averaged := table{d: d}, table{d: d}, table{d: d}
	b := &builder{d: d}
	for i, t := range tensors {
		var rows device.Remote
		cols := 0
		if r := t.Rows; r != nil && r.All {
			if err := s.spread(b, &t); err != nil {
				return nil, errors.Wrap(err, "gpu: solver")
			}
		} else if r != nil {
			t.N, rows, cols = r.N*r.Cols, r.Indices, r.Cols
		}
		if rule.ClipValue > 0 {
			g, err := d.buffer(t.N)
			if err != nil {
				return nil, errors.Wrap(err, "gpu: solver")
			}
			clipped.add(t.N, g, t.G)
			t.G = g
		}
		s.pieces = append(s.pieces, slices.Repeat([]int{i}, all.add(t.N, t.W, t.G, t.First, t.Second))...)
		all.words = append(all.words, math.Float64bits(t.Rate), math.Float64bits(t.Decay), uint64(btoi(t.Adapt)), address(rows), uint64(cols))
	}
	if len(s.pieces) == 0 {
		return nil, errors.New("gpu: solver: no tensors")
	}
	for _, p := range averages {
		averaged.add(p.N, p.Dst, p.Src)
	}
	if err := s.open(b, &all, &clipped, &averaged); err != nil {
		return nil, errors.Wrap(err, "gpu: solver")
	}
	return s, nil
}

// spread begins each step with the gradient of t to all weights, of which the graph has rows.
func (s *solver) spread(b *builder, t *device.SolverTensor) error {
	r := t.Rows
	whole, err := s.d.buffer(t.N)
	if err != nil {
		return err
	}
	before, err := s.d.buffer(r.N)
	if err != nil {
		return err
	}
	indices, ok := r.Indices.(*cuda.Buffer)
	g, is := t.G.(*cuda.Buffer)
	if !ok || !is {
		return errors.New("rows of a gradient that are not on the device")
	}
	if err := s.d.stream.FillWords(whole, 0, t.N); err != nil {
		return err
	}
	if err := s.d.stream.FillWords(before, math.Float32bits(-1), r.N); err != nil {
		return err
	}
	n := r.N * r.Cols
	b.launchSpreadRows(flat(n), n, divisor(r.Cols), fixed(before), fixed(g), true, fixed(whole))
	b.launchSpreadRows(flat(n), n, divisor(r.Cols), fixed(indices), fixed(g), false, fixed(whole))
	b.step(copyOf(fixed(before), fixed(indices), r.N))
	t.G = whole
	return nil
}

func (s *solver) open(b *builder, all, clipped, averaged *table) (err error) {
	d := s.d
	if s.control, err = d.buffer(2 * controlSize); err != nil {
		return err
	}
	if err := d.stream.FillWords(s.control, 0, 2*controlSize); err != nil {
		return err
	}
	if s.failed, err = d.buffer(2 * len(s.pieces)); err != nil {
		return err
	}
	parts, err := d.buffer(2 * len(s.pieces))
	if err != nil {
		return err
	}
	if s.table, err = all.upload(); err != nil {
		return err
	}
	s.words = all.words
	tensors := fixed(s.table)
	for i := range s.turns {
		t := &s.turns[i]
		if t.given, err = d.pinned(8 * controlGiven); err != nil {
			return err
		}
		if t.got, err = d.pinned(8 * controlSize); err != nil {
			return err
		}
		if t.done, err = d.event(); err != nil {
			return err
		}
	}
	grid, r := blocks(len(s.pieces)), s.rule
	control := fixed(s.control)
	if clipped.count > 0 {
		list, err := clipped.upload()
		if err != nil {
			return err
		}
		b.launchClipValues(blocks(clipped.pieces), clipped.count, fixed(list), f32(r.ClipValue))
	}
	b.launchSumSquares(grid, all.count, tensors, fixed(parts))
	b.launchControlStep(blocks(1), len(s.pieces), fixed(parts), in(0), d.reportTo(), control, fixed(s.failed))
	switch r.Name {
	case "sgd":
		b.launchSgd(grid, all.count, tensors, f32(r.Momentum), r.Nesterov, control)
	case "adam", "adamw":
		b.launchAdam(grid, all.count, tensors, r.Name == "adamw", f32(1-r.Beta1), f32(r.Beta2), f32(1-r.Beta2), f32(r.Eps), control)
	case "rmsprop":
		b.launchRmsprop(grid, all.count, tensors, f32(r.Momentum), f32(r.Alpha), f32(1-r.Alpha), f32(r.Eps), control)
	case "lion":
		b.launchLion(grid, all.count, tensors, f32(1-r.Beta1), f32(1-r.Beta2), control)
	case "lamb":
		if err := s.openLAMB(b, all, tensors); err != nil {
			return err
		}
	default:
		return errors.Errorf("no solver %q", r.Name)
	}
	if averaged.count > 0 {
		list, err := averaged.upload()
		if err != nil {
			return err
		}
		b.launchMoveAverages(blocks(averaged.pieces), averaged.count, fixed(list), control)
	}
	s.steps = b.steps
	return b.err
}

// openLAMB adds LAMB's launches: running means and the lengths of weights and steps, the ratios of
// these, and the steps.
func (s *solver) openLAMB(b *builder, all *table, tensors operand) error {
	d, r, control := s.d, s.rule, fixed(s.control)
	parts, err := d.buffer(4 * len(s.pieces))
	if err != nil {
		return err
	}
	ratios, err := d.buffer(2 * all.count)
	if err != nil {
		return err
	}
	b.launchLambMeans(blocks(len(s.pieces)), all.count, tensors, f32(1-r.Beta1), f32(r.Beta2), f32(1-r.Beta2), f32(r.Eps), control, fixed(parts))
	b.launchLambRatios(blocks(all.count), tensors, fixed(parts), control, fixed(ratios))
	b.launchLamb(blocks(len(s.pieces)), all.count, tensors, f32(r.Eps), control, fixed(ratios))
	return nil
}

// Step puts one step on the stream.
func (s *solver) Step(step device.SolverStep) error {
	at, ok := step.Loss.(*cuda.Buffer)
	if !ok {
		return errors.New("gpu: solver: the loss is not on the device")
	}
	if s.begun-s.ended == solverDepth {
		return errors.Errorf("gpu: solver: %d steps without a result", solverDepth)
	}
	t := &s.turns[s.begun%solverDepth]
	s.begun++
	given := cuda.View[float64](t.given)
	given[0] = step.LR
	given[1] = 1 / (1 - math.Pow(s.rule.Beta1, float64(step.Count)))
	given[2] = math.Sqrt(1 - math.Pow(s.rule.Beta2, float64(step.Count)))
	given[3] = step.Clip
	given[4] = step.Average
	if err := s.setRates(t, step.Rates, step.Decays); err != nil {
		return errors.Wrap(err, "gpu: solver")
	}
	return errors.Wrap(s.put(t, &buffers{d: s.d, in: []*cuda.Buffer{at}}), "gpu: solver")
}

// The words of a tensor in the table, of which two are its rate and its weight decay.
const (
	recordWords = 10
	rateWord    = 5
	decayWord   = 6
)

// setRates brings other rates and decays to the device, for the steps put on it from then on.
func (s *solver) setRates(t *turn, rates, decays []float64) (err error) {
	if rates == nil && decays == nil {
		return nil
	}
	for _, list := range [][]float64{rates, decays} {
		if list != nil && len(list)*recordWords != len(s.words) {
			return errors.Errorf("%d rates or decays for %d tensors", len(list), len(s.words)/recordWords)
		}
	}
	if t.rates == nil {
		if t.rates, err = s.d.pinned(8 * len(s.words)); err != nil {
			return err
		}
	}
	for i, r := range rates {
		s.words[i*recordWords+rateWord] = math.Float64bits(r)
	}
	for i, d := range decays {
		s.words[i*recordWords+decayWord] = math.Float64bits(d)
	}
	copy(cuda.View[uint64](t.rates), s.words)
	return s.d.stream.CopyIn(s.table, t.rates, 8*len(s.words))
}

func (s *solver) put(t *turn, b *buffers) error {
	part, err := s.control.Part(8*controlLr, 8*controlGiven)
	if err != nil {
		return err
	}
	if err := s.d.stream.CopyIn(part, t.given, 8*controlGiven); err != nil {
		return err
	}
	for _, l := range s.steps {
		if err := l.run(b); err != nil {
			return err
		}
	}
	if err := s.d.stream.CopyOut(t.got, s.control, 8*controlSize); err != nil {
		return err
	}
	return t.done.Record(s.d.stream)
}

// Result waits for the first step without one.
func (s *solver) Result() (r device.StepResult, err error) {
	if s.begun == s.ended {
		return r, errors.New("gpu: solver: no step is under way")
	}
	t := &s.turns[s.ended%solverDepth]
	s.ended++
	if err := t.done.Synchronize(); err != nil {
		return r, errors.Wrap(err, "gpu: solver")
	}
	got := cuda.View[float64](t.got)
	r.Loss, r.Squared = got[controlLoss], got[controlSquared]
	if got[controlFailed] == 0 {
		return r, nil
	}
	refused := s.d.complaint(int(got[controlCheck]), int(got[controlPlace]))
	if r.Broken, err = s.recover(); err != nil {
		return r, errors.Wrap(err, "gpu: solver")
	}
	return r, refused
}

// recover drops the steps after one that failed, and says which gradients of that were not
// finite.
func (s *solver) recover() (broken []int, err error) {
	sums := make([]float64, len(s.pieces))
	if err := cuda.Download(s.d.stream, sums, s.failed); err != nil {
		return nil, err
	}
	s.ended = s.begun
	for i, v := range sums {
		if n := len(broken); math.IsNaN(v-v) && (n == 0 || broken[n-1] != s.pieces[i]) {
			broken = append(broken, s.pieces[i])
		}
	}
	if err := s.d.stream.FillWords(s.control, 0, 2*controlSize); err != nil {
		return nil, err
	}
	return broken, s.d.stream.FillWords(s.d.report, 0, 4)
}
