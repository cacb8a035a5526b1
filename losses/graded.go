package losses

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Graded is a loss of pairs that are alike to a degree, in place of those of one label and of two:
// a pair is a positive with the weight r and a negative with the weight 1 − r, where r, from 0 to
// 1, is how much the two have in common. What has several labels, such as a picture of several
// things, is compared so.
//
// A label here is the number of a row of Vectors: of the set of labels, or of the grades, that it
// stands for. Alike says how r comes from the vectors u and v of two rows,
//
//	jaccard  ⟨u,v⟩ / (‖u‖² + ‖v‖² − ⟨u,v⟩), of sets the share of what they have in common
//	cosine   ⟨u,v⟩ / (‖u‖·‖v‖)
//	any      1 if ⟨u,v⟩ > 0, and else 0
//
// and 0 of two vectors of zeros; more than 1 − 10⁻⁶ is 1. In Go, Match may say it instead: of matrices (B, V) and (M, V) it
// makes r, (B, M).
//
// The loss must know pairs with weights (pairs.Weights), as Contrastive, MultiSimilarity and the
// Generalized LiftedStructure do, and gives an error if it does not; any gives masks, which all
// losses over pairs and triplets take.
type Graded struct {
	Of      Loss        `doc:"the loss, over pairs"`
	Vectors [][]float64 `doc:"what each label 0, 1, 2, … stands for, such as [[1, 0, 1], [0, 1, 1]]" min:"0" max:"1e6"`
	Alike   Alike       `doc:"how alike two vectors are" choices:"jaccard,cosine,any" unset:"jaccard"`

	Match func(u, v graph.Expr) graph.Expr `name:"-"`
}

// Alike says how alike two vectors are.
type Alike string

// The ways to compare what labels stand for.
const (
	AlikeJaccard Alike = "jaccard"
	AlikeCosine  Alike = "cosine"
	AlikeAny     Alike = "any"
)

var defaultGraded = Graded{Of: defaultContrastive, Alike: AlikeJaccard}

func init() {
	Register("graded", "a loss of pairs that are alike to a degree, such as pictures with several labels", defaultGraded)
}

var (
	_ Trainable = Graded{}
	_ Termed    = Graded{}
	_ Settable  = Graded{}
)

func (l Graded) within() []Loss { return []Loss{l.Of} }
func (Graded) owns() bool       { return false }

// Loss returns a scalar.
func (l Graded) Loss(b pairs.Batch) graph.Expr {
	b, err := l.graded(b)
	if err != nil {
		return graph.Fail(err)
	}
	return l.Of.Loss(b)
}

// Terms are those of the loss, none if it does not tell them.
func (l Graded) Terms(b pairs.Batch) pairs.Terms {
	b, err := l.graded(b)
	if err != nil {
		return failed(err)
	}
	return termsOf(l.Of, b)
}

// graded is the batch with weights of its pairs.
func (l Graded) graded(b pairs.Batch) (pairs.Batch, error) {
	if err := check("graded", l); err != nil {
		return b, err
	}
	if err := b.Check(); err != nil {
		return b, err
	}
	if len(l.Vectors) == 0 {
		return b, errors.New("losses: graded: there are no vectors: give one for each label")
	}
	if !(pairs.Selection{Among: b.Chosen.Among} == b.Chosen) {
		return b, errors.New("losses: graded: a miner around it goes by labels alone: give the loss in it the miner")
	}
	table := constants(b.X, "vectors of labels", slices.Concat(l.Vectors...), len(l.Vectors), len(l.Vectors[0]))
	u := graph.Gather(table, b.Labels) // (B, V)
	v := u
	if b.HasReference() {
		v = graph.Gather(table, b.RefLabels) // (M, V)
	}
	r := l.match(u, v)
	if err := r.Err(); err != nil {
		return b, errors.WithMessage(err, "losses: graded")
	}
	if want := []int{u.Shape()[0], v.Shape()[0]}; !slices.Equal(r.Shape(), want) {
		return b, errors.Errorf("losses: graded: Match makes the shape %v of %v and %v, want %v", r.Shape(), u.Shape(), v.Shape(), want)
	}
	r = r.Detach()
	pos, neg := r, r.Not()
	if !b.HasReference() { // no row is its own pair
		others := graph.Identity(b.X, b.X.Shape()[0]).Not()
		pos, neg = pos.Mul(others), neg.Mul(others)
	}
	b.Chosen.Pos, b.Chosen.Neg, b.Chosen.Hold = pos, neg, pairs.Weights
	if l.Match == nil && l.Alike == AlikeAny {
		b.Chosen.Hold = pairs.Masks
	}
	return b, firstOf(pos.Err(), neg.Err())
}

// match is how alike the rows of u (B, V) and of v (M, V) are, (B, M).
func (l Graded) match(u, v graph.Expr) graph.Expr {
	if l.Match != nil {
		return l.Match(u, v)
	}
	common := u.MatMulT(v) // (B, M)
	switch l.Alike {
	case AlikeAny:
		return common.Above(0)
	case AlikeCosine:
		return roundToOne(graph.Normalize(u).MatMulT(graph.Normalize(v)))
	}
	all := u.Square().SumAxis(1).Add(v.Square().SumAxis(1).T()).Sub(common)
	return roundToOne(common.Div(all.Max(all.Constant(leastShared))))
}

// leastShared is the least number that a share is divided by: it keeps 0/0 from being NaN.
const leastShared = 1e-12

// roundToOne rounds a share to 1 if only rounding keeps it from that. The rest, however small, would be the
// weight of a negative pair, which is multiplied with exponentials.
func roundToOne(r graph.Expr) graph.Expr {
	full := r.Above(1 - 1e-6)
	return full.Add(r.Mul(full.Not())).Clamp(0, 1)
}

// Params are the loss's own; there may be none.
func (l Graded) Params() *graph.Params { return innerParams(l.Of) }

// Set hands the setting on to the loss.
func (l Graded) Set(s Setting) error {
	if n := len(l.Vectors); n > 0 && n < s.Classes {
		return errors.Errorf("%d vectors for %d classes, want one for each, in the order of the classes", n, s.Classes)
	}
	return set(l.Of, s)
}

// Validate says what is wrong with the vectors.
func (l Graded) Validate() error {
	if err := checkGiven(l.Of); err != nil {
		return err
	}
	for i, v := range l.Vectors {
		if len(v) == 0 || len(v) != len(l.Vectors[0]) {
			return errors.Errorf("the vector of label %d has %d numbers, want %d as that of label 0, and at least 1", i, len(v), len(l.Vectors[0]))
		}
		if slices.ContainsFunc(v, func(x float64) bool { return !(x >= 0) || math.IsInf(x, 1) }) {
			return errors.Errorf("the vector of label %d is %g, want numbers of at least 0", i, v)
		}
	}
	return nil
}
