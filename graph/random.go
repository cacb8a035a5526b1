package graph

import (
	"math/rand/v2"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Random is a source of random numbers in a graph. What a run draws depends on the source's
// seed, on the number of runs that it counted before, on the order in which the graph's
// draws were made of the source, and on nothing else: not on the device, its instruction set or
// threads. Seed and count are a buffer, so that a run that goes on from a saved state draws the
// same numbers.
//
// Numbers are made by Philox4x32-10, each of its own position (J. Salmon et al., "Parallel Random
// Numbers: As Easy as 1, 2, 3", SC 2011). No gradient flows through them. In float64 they are
// those of float32, but not rounded.
type Random struct {
	draw    Expr // seed and number of this run
	streams uint32
}

// Random is the source name, a buffer of p, for draws in g. Its seed comes from that of p and
// the name. Asking twice in one graph gives the same source. Dropout has a state of its own.
func (p *Params) Random(g *gorgonia.ExprGraph, name string, dt tensor.Dtype) *Random {
	state := p.Buffer(g, name, dt, randomState, spec.DropoutDigits)
	if err := state.Err(); err != nil {
		return &Random{draw: Fail(err)}
	}
	p, name, err := p.lock(name)
	if err != nil {
		return &Random{draw: Fail(err)}
	}
	defer p.mu.Unlock()
	if r := p.streams[g][name]; r != nil {
		return r
	}
	r := &Random{draw: p.advanced(g, state)}
	if p.streams[g] == nil {
		p.streams[g] = map[string]*Random{}
	}
	p.streams[g][name] = r
	return r
}

// randomState is a seed of 40 bits, and no runs so far.
func randomState(rng *rand.Rand, _ tensor.Shape, dst []float64) {
	for i := range dst[:2] {
		dst[i] = float64(rng.IntN(spec.DropoutBase))
	}
}

// advanced is a state as this run has it, of which one more run is counted.
func (p *Params) advanced(g *gorgonia.ExprGraph, state Expr) Expr {
	if p.observers[g] {
		return state
	}
	return applyStateful(spec.Advance{}, tensor.Shape{spec.DropoutDigits}, nil, state)
}

// Counter is the number of runs of the graph before this one, a scalar; it is counted in the
// buffer name. Asking for one name twice in one graph counts once.
func (p *Params) Counter(g *gorgonia.ExprGraph, name string, dt tensor.Dtype) Expr {
	state := p.Random(g, name, dt).draw
	if state.Err() != nil {
		return state
	}
	digit := func(i int) Expr {
		return apply(spec.Slice{Rows: 1, Width: spec.DropoutDigits, From: i, To: i + 1}, tensor.Shape{1}, nil, state)
	}
	return digit(2).Add(digit(3).Scale(spec.DropoutBase)).Sum()
}

// stream is the next of the source's streams.
func (r *Random) stream() uint32 {
	r.streams++
	return r.streams - 1
}

// Stream is the same source for draws from number i on, whatever was drawn of it before: who asks
// twice for one draw, as a loss and what tells its active share do, gets one and the same.
func (r *Random) Stream(i uint32) *Random {
	if r == nil {
		return nil
	}
	return &Random{draw: r.draw, streams: i}
}

// size checks the shape of what is to be drawn.
func (r *Random) size(shape tensor.Shape) (int, error) {
	if r == nil {
		return 0, errors.New("graph: the source of random numbers is nil; make it with Params.Random")
	}
	if err := r.draw.Err(); err != nil {
		return 0, err
	}
	return shape.TotalSize(), errors.WithMessage(checkShape(shape), "graph: random numbers")
}

// Uniform draws numbers uniform in [0, 1), multiples of 2⁻²⁴.
func (r *Random) Uniform(shape ...int) Expr {
	n, err := r.size(shape)
	if err != nil {
		return Fail(err)
	}
	return apply(spec.Uniform{N: n, Stream: r.stream()}, shape, nil, r.draw)
}

// Normal draws numbers of the standard normal distribution.
//
// M. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
// Statistics 37, 1988.
func (r *Random) Normal(shape ...int) Expr {
	n, err := r.size(shape)
	if err != nil {
		return Fail(err)
	}
	return apply(spec.Normal{N: n, Stream: r.stream()}, shape, nil, r.draw)
}

// Mask draws numbers that are 1 with probability p, and else 0.
func (r *Random) Mask(p float64, shape ...int) Expr {
	n, err := r.size(shape)
	if err != nil {
		return Fail(err)
	}
	if !(p >= 0 && p <= 1) {
		return Fail(errors.Errorf("graph: a random mask of probability %v, want 0 to 1", p))
	}
	return apply(spec.Bernoulli{N: n, P: p, Stream: r.stream()}, shape, nil, r.draw)
}

// Choose draws k columns for each row of weights (B, M): indices (B, k), each with a probability
// that goes by its weight, with replacement; −1 in a row whose weights are all 0. Weights that
// are negative or not finite are an error when the graph runs.
func (r *Random) Choose(weights Expr, k int) Expr {
	if err := weights.Err(); err != nil {
		return Fail(err)
	}
	s := weights.Shape()
	if s.Dims() != 2 || k < 1 {
		return Fail(errors.Errorf("graph: choice of %d columns by weights of shape %v, want at least 1, and (B, M)", k, s))
	}
	if s[1] > 1<<spec.LabelBits {
		return Fail(errors.Errorf("graph: choice among %d columns, want at most %d, which float32 holds exactly", s[1], 1<<spec.LabelBits))
	}
	out := tensor.Shape{s[0], k}
	if _, err := r.size(out); err != nil {
		return Fail(err)
	}
	return apply(spec.DrawnColumns{Rows: s[0], Cols: s[1], K: k, Stream: r.stream()}, out, nil, r.draw, weights.Detach())
}

// ChooseFor draws one column for each entry of mask (N, M) that is not 0, by the weights (N, M) of
// its row: indices (N, M), −1 where the mask is 0 and in a row whose weights are all 0. Weights are
// as in Choose.
func (r *Random) ChooseFor(mask, weights Expr) Expr {
	if err := sameShape(mask, weights); err != nil {
		return Fail(err)
	}
	s := weights.Shape()
	if s.Dims() != 2 || s[1] > 1<<spec.LabelBits {
		return Fail(errors.Errorf("graph: choice by weights of shape %v, want a matrix of at most %d columns", s, 1<<spec.LabelBits))
	}
	if _, err := r.size(s); err != nil {
		return Fail(err)
	}
	what := spec.DrawnPartners{Rows: s[0], Cols: s[1], Stream: r.stream()}
	var in []Expr
	what.Mask, in = mask.source()
	return apply(what, s, nil, append([]Expr{r.draw, weights.Detach()}, in...)...)
}

// mostLevelled is how many draws Levelled makes at most.
const mostLevelled = 1 << 22

// Levelled draws entries of x (N, M) where mask is not 0, so that every level of x is there: the
// range from the smallest to the largest is cut into bins of one width, and each entries are drawn,
// with replacement, of every bin that holds some. It gives a matrix (N, M) of how often each entry
// was drawn. Entries that are not finite are an error when the graph runs.
func (r *Random) Levelled(mask, x Expr, bins, each int) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	s := x.Shape()
	if s.Dims() != 2 || bins < 1 || each < 1 || bins > mostLevelled/each {
		return Fail(errors.Errorf("graph: %d draws from each of %d bins of shape %v, want at least 1 of each, at most %d draws, and a matrix", each, bins, s, mostLevelled))
	}
	if _, err := r.size(s); err != nil {
		return Fail(err)
	}
	what := spec.Levelled{Rows: s[0], Cols: s[1], Bins: bins, Each: each, Stream: r.stream()}
	var in []Expr
	what.Mask, in = mask.source()
	return apply(what, s, nil, append([]Expr{r.draw, x.Detach()}, in...)...)
}
