package losses

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Joint is a weighted sum of losses, Σ wᵢ·Lᵢ, such as cross-entropy and a triplet loss
// over one embedding. The parameters of its parts are learned together; a part that can
// read the trunk's features gets them.
type Joint struct {
	Parts []Part

	joining sync.Mutex
	params  *graph.Params
}

// Part is one loss of a Joint.
type Part struct {
	Loss   Loss
	Weight float64 // 1 if zero
}

var (
	_ Trainable  = (*Joint)(nil)
	_ OnFeatures = (*Joint)(nil)
	_ Monitor    = (*Joint)(nil)
)

// Loss takes embeddings (B, E) and labels (B) and returns a scalar.
func (j *Joint) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return j.sum(func(l Loss) (*gorgonia.Node, error) { return l.Loss(embeddings, labels) })
}

// LossOnFeatures is Loss for parts that read more of the network than its embeddings.
func (j *Joint) LossOnFeatures(f Features, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return j.sum(func(l Loss) (*gorgonia.Node, error) {
		if t, ok := l.(OnFeatures); ok {
			return t.LossOnFeatures(f, labels)
		}
		return l.Loss(f.Embedding, labels)
	})
}

func (j *Joint) sum(of func(Loss) (*gorgonia.Node, error)) (*gorgonia.Node, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	if _, err := j.join(); err != nil {
		return nil, err
	}
	var total graph.Expr
	for i, p := range j.Parts {
		n, err := of(p.Loss)
		if err != nil {
			return nil, errors.Wrapf(err, "losses: part %d of the joint loss", i)
		}
		term := graph.Of(n).Scale(orElse(p.Weight, 1))
		if i == 0 {
			total = term
			continue
		}
		total = total.Add(term)
	}
	return total.Node()
}

// check returns an error for a joint loss without parts, with one that is no loss or has no
// sensible weight, and for one that holds itself.
func (j *Joint) check(within ...*Joint) error {
	if err := given(j); err != nil {
		return err
	}
	if len(j.Parts) == 0 {
		return errors.New("losses: a joint loss needs at least one part")
	}
	within = append(within, j)
	for i, p := range j.Parts {
		if err := given(p.Loss); err != nil {
			return errors.Wrapf(err, "losses: part %d of the joint loss", i)
		}
		if !(p.Weight >= 0) || math.IsInf(p.Weight, 1) {
			return errors.Errorf("losses: part %d of the joint loss has the weight %g, want a number of at least 0", i, p.Weight)
		}
		if inner, ok := p.Loss.(*Joint); ok {
			if slices.Contains(within, inner) {
				return errors.Errorf("losses: part %d of the joint loss holds the joint loss itself", i)
			}
			if err := inner.check(within...); err != nil {
				return errors.Wrapf(err, "losses: part %d of the joint loss", i)
			}
		}
	}
	return nil
}

// Params are those of all parts. Where several parts have some, each name begins with
// the part's position, as in "0.classifier.weight".
func (j *Joint) Params() *graph.Params {
	if j.check() == nil {
		if p, err := j.join(); err == nil {
			return p
		}
	}
	return graph.NewParams(0) // Loss tells the error
}

func (j *Joint) join() (*graph.Params, error) {
	j.joining.Lock()
	defer j.joining.Unlock()
	if j.params != nil {
		return j.params, nil
	}
	var sets []*graph.Params
	var names []string
	for i, part := range j.Parts {
		if t, ok := part.Loss.(Trainable); ok {
			if p := t.Params(); !slices.Contains(sets, p) {
				sets, names = append(sets, p), append(names, fmt.Sprintf("%d.", i))
			}
		}
	}
	if len(sets) == 1 {
		j.params = sets[0]
		return j.params, nil
	}
	all := graph.NewParams(0)
	for i, p := range sets {
		if err := all.Join(names[i], p); err != nil {
			return nil, errors.Wrap(err, "losses: joint loss")
		}
	}
	j.params = all
	return all, nil
}

// ActiveShare is that of the first part that has one.
func (j *Joint) ActiveShare(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	if err := given(j); err != nil {
		return nil, err
	}
	for _, p := range j.Parts {
		if m, ok := p.Loss.(Monitor); ok {
			return m.ActiveShare(embeddings, labels)
		}
	}
	return nil, errors.New("losses: no part of the joint loss has active pairs or triplets")
}
