package losses

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Joint is a weighted sum of losses, Σ wᵢ·Lᵢ, such as cross-entropy and a triplet loss
// over one embedding. The parameters of its parts are learned together.
type Joint struct {
	Parts []Part

	joining sync.Mutex
	params  *graph.Params
}

// Part is one loss of a Joint.
type Part struct {
	Loss   Loss
	Weight float64 // w, at least 0
}

var (
	_ Trainable = (*Joint)(nil)
	_ Termed    = (*Joint)(nil)
)

// Loss returns a scalar.
func (j *Joint) Loss(b pairs.Batch) graph.Expr {
	if err := j.check(); err != nil {
		return graph.Fail(err)
	}
	if _, err := j.join(); err != nil {
		return graph.Fail(err)
	}
	var total graph.Expr
	for i, p := range j.Parts {
		n, err := BuildOn(p.Loss, b)
		if err != nil {
			return graph.Fail(errors.Wrapf(err, "losses: part %d of the joint loss", i))
		}
		term := graph.Of(n).Scale(p.Weight)
		if i == 0 {
			total = term
			continue
		}
		total = total.Add(term)
	}
	return total
}

// Terms are those of all parts that tell theirs, each with the part's position before its name.
// Weights and reducers of parts are not in them.
func (j *Joint) Terms(b pairs.Batch) (all pairs.Terms) {
	if err := j.check(); err != nil {
		return failed(err)
	}
	for i, p := range j.Parts {
		t, ok := p.Loss.(Termed)
		if !ok {
			continue
		}
		for _, term := range t.Terms(b) {
			term.Name = fmt.Sprintf("%d.%s", i, term.Name)
			all = append(all, term)
		}
	}
	return all
}

func (j *Joint) within() (parts []Loss) {
	for _, p := range j.Parts {
		parts = append(parts, p.Loss)
	}
	return parts
}

func (*Joint) owns() bool { return true }

// Classifies reports whether a part does.
func (j *Joint) Classifies() bool {
	return acyclic(j) == nil && slices.ContainsFunc(j.Parts, func(p Part) bool { return Classifies(p.Loss) })
}

// Set hands the setting on to the parts.
func (j *Joint) Set(s Setting) error {
	if err := acyclic(j); err != nil {
		return err
	}
	for _, p := range j.Parts {
		if err := set(p.Loss, s); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error for a joint loss without parts, with one that is no loss or has no
// sensible weight, and for one that holds itself.
func (j *Joint) check() error {
	if err := checkGiven(j); err != nil {
		return err
	}
	if err := acyclic(j); err != nil {
		return err
	}
	return j.checkParts()
}

func (j *Joint) checkParts() error {
	if len(j.Parts) == 0 {
		return errors.New("losses: a joint loss needs at least one part")
	}
	for i, p := range j.Parts {
		if err := checkGiven(p.Loss); err != nil {
			return errors.Wrapf(err, "losses: part %d of the joint loss", i)
		}
		if !(p.Weight >= 0) || math.IsInf(p.Weight, 1) {
			return errors.Errorf("losses: part %d of the joint loss has the weight %g, want a number of at least 0", i, p.Weight)
		}
		if inner, ok := p.Loss.(*Joint); ok {
			if err := inner.checkParts(); err != nil {
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
		if p := ParamsOf(part.Loss); p != nil && !slices.Contains(sets, p) {
			sets, names = append(sets, p), append(names, fmt.Sprintf("%d.", i))
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
