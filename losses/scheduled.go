package losses

import (
	"math"

	"medusa/graph"
	"medusa/pairs"
)

// Scheduled is a loss with a weight that changes as the run goes on, for a part of a sum such as
// triplet + 0.1*scheduled(of=ce, to=0, steps=5000):
//
//	L = w(t)·Of,   w(t) = From + (To − From)·r(t)
//
// where r is 0 up to the step Start and 1 from the step Start + Steps on. In between it is, of the
// share x = (t − Start)/Steps, x itself in the Line and ½(1 − cos πx) in the Cosine. Steps are
// counted from 1 in a buffer "step" of the loss, which a checkpoint has. With a weight of 0 nothing
// is learned, but the loss is computed.
type Scheduled struct {
	Of    Loss      `doc:"the loss whose weight changes"`
	From  float64   `doc:"the weight at first" min:"0" max:"1e6"`
	To    float64   `doc:"the weight at last" min:"0" max:"1e6"`
	Start int       `doc:"step up to which the weight is the first" min:"0" max:"1e9"`
	Steps int       `doc:"steps from there on until the weight is the last; 0: at once" min:"0" max:"1e9"`
	Shape RampShape `doc:"how the weight changes: in a line, or as half a cosine, slowly at both ends" choices:"line,cosine" unset:"line"`

	params *graph.Params
}

// RampShape says how a weight gets from one value to another.
type RampShape string

// The shapes of a ramp.
const (
	RampLine   RampShape = "line"
	RampCosine RampShape = "cosine"
)

var defaultScheduled = &Scheduled{Of: defaultContrastive, From: 0, To: 1, Steps: 1000, Shape: RampLine}

func init() {
	Register("scheduled", "a loss whose weight changes as the run goes on", defaultScheduled)
}

var (
	_ Trainable = (*Scheduled)(nil)
	_ Termed    = (*Scheduled)(nil)
	_ Settable  = (*Scheduled)(nil)
)

func (l *Scheduled) within() []Loss { return []Loss{l.Of} }
func (*Scheduled) owns() bool       { return true }

// Loss returns a scalar.
func (l *Scheduled) Loss(b pairs.Batch) graph.Expr {
	if err := check("scheduled", l); err != nil {
		return graph.Fail(err)
	}
	params, err := withPart(&l.params, l.Of)
	if err != nil {
		return graph.Fail(err)
	}
	if err := b.X.Err(); err != nil {
		return graph.Fail(err)
	}
	loss, err := exprOf(l.Of, b)
	if err != nil {
		return graph.Fail(err)
	}
	step := params.Counter(b.X.Graph(), "step", b.X.Dtype()).Plus(1)
	return loss.Mul(l.weight(step))
}

// weight is w of a step, from 1, scalars.
func (l *Scheduled) weight(step graph.Expr) graph.Expr {
	passed := step.Plus(-float64(l.Start))
	share := passed.Above(0)
	if l.Steps > 0 {
		share = passed.Scale(1/float64(l.Steps)).Clamp(0, 1)
	}
	if l.Shape == RampCosine {
		share = share.Scale(math.Pi).Cos().Affine(-0.5, 0.5)
	}
	return share.Affine(l.To-l.From, l.From)
}

// restsAtFirst reports whether the weight is 0 at the first step.
func (l *Scheduled) restsAtFirst() bool {
	switch {
	case l.Start > 0:
		return l.From == 0
	case l.Steps <= 1:
		return l.To == 0
	}
	return l.From == 0 && l.To == 0
}

// RestsAtFirst reports whether a part of the loss has a weight of 0 at the first step, so that its
// own parameters do not move yet.
func RestsAtFirst(l Loss) bool {
	return contains(l, func(l Loss) bool {
		s, ok := l.(*Scheduled)
		return ok && s != nil && s.restsAtFirst()
	})
}

// Terms are those of the loss, none if it does not tell them.
func (l *Scheduled) Terms(b pairs.Batch) pairs.Terms {
	if err := check("scheduled", l); err != nil {
		return failed(err)
	}
	return termsOf(l.Of, b)
}

// Params are the counter of steps and, under "of.", those of the loss.
func (l *Scheduled) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	return orNone(withPart(&l.params, l.Of))
}

// Classifies reports whether the loss does.
func (l *Scheduled) Classifies() bool { return Classifies(l.Of) }

// Set hands the setting on to the loss.
func (l *Scheduled) Set(s Setting) error { return set(l.Of, s) }

// Validate says what is missing.
func (l *Scheduled) Validate() error {
	if err := checkGiven(l.Of); err != nil {
		return err
	}
	return acyclic(l)
}
