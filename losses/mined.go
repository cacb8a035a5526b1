package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// Mined is a loss over the pairs and triplets that a miner chooses. It is for losses without
// a field for a miner, such as one's own: Contrastive and the other losses over pairs have one.
type Mined struct {
	Miner miners.Miner `doc:"what chooses pairs and triplets"`
	Of    Loss         `doc:"the loss that goes over them"`
}

var (
	_ Trainable = Mined{}
	_ Termed    = Mined{}
)

// Loss returns a scalar.
func (l Mined) Loss(b pairs.Batch) graph.Expr {
	if err := check("mined", l); err != nil {
		return graph.Fail(err)
	}
	return l.Of.Loss(miners.Choose(l.Miner, b, nil))
}

// Terms are those of the loss, none if it does not tell them.
func (l Mined) Terms(b pairs.Batch) pairs.Terms {
	if err := check("mined", l); err != nil {
		return failed(err)
	}
	return termsOf(l.Of, miners.Choose(l.Miner, b, nil))
}

// Params are those of the loss and of the miner; there may be none.
func (l Mined) Params() *graph.Params {
	if p := ParamsOf(l); p != nil {
		return p
	}
	return graph.NewParams(0)
}

func (l Mined) within() []Loss { return []Loss{l.Of} }
func (Mined) owns() bool       { return false }

// Classifies reports whether the loss does.
func (l Mined) Classifies() bool { return Classifies(l.Of) }

// Set hands the setting on to the loss.
func (l Mined) Set(s Setting) error { return set(l.Of, s) }

func init() {
	Register("mined", "a loss over what a miner chooses, for losses without a miner of their own", Mined{Miner: miners.BatchHard{}, Of: defaultContrastive})
}

// Validate says what is missing.
func (l Mined) Validate() error {
	if l.Miner == nil {
		return errors.New("the miner is nil")
	}
	return checkGiven(l.Of)
}
