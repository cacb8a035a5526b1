package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/pairs"
)

// Regularizer makes a number, a scalar, of vectors that it wants to be alike or apart: of weights
// of classes (C·K, E), where the K of one class follow each other, K being the centers, or of
// embeddings (B, E), where K is 1. An error travels in the expression.
//
// A loss with weights of classes has one as a field, such as CrossEntropy.Regularizer. Those that
// also mean something of embeddings are losses too: triplet + 0.01*norm.
type Regularizer interface {
	Regularize(rows graph.Expr, centers int) graph.Expr
}

const regularizerUsage = `A regularizer is name(parameter=value, …), and several are
joined by +:
  norm(p=2)
  0.1*regular-face + 0.001*norm`

var regularizers = catalog.New[Regularizer]("losses", "a regularizer", regularizerUsage)

func init() {
	regularizers.Sums(func(terms []catalog.Term[Regularizer]) (Regularizer, error) {
		s := &RegularizerSum{}
		for _, t := range terms {
			s.Parts = append(s.Parts, RegularizerPart{Regularizer: t.Value, Weight: t.Weight})
		}
		return s, nil
	}, func(r Regularizer) (terms []catalog.Term[Regularizer], ok bool) {
		s, ok := r.(*RegularizerSum)
		if !ok || s == nil {
			return nil, false
		}
		for _, p := range s.Parts {
			terms = append(terms, catalog.Term[Regularizer]{Weight: p.Weight, Value: p.Regularizer})
		}
		return terms, true
	})
}

// RegisterRegularizer is Register for a kind of regularizer.
func RegisterRegularizer(name, doc string, prototype Regularizer) {
	regularizers.Add(name, doc, prototype)
}

// RegularizerNames lists the kinds of regularizers, sorted.
func RegularizerNames() []string { return regularizers.Names() }

// ParseRegularizer makes a regularizer from text, such as 0.1*regular-face + 0.001*norm(p=1).
func ParseRegularizer(text string) (Regularizer, error) { return regularizers.Parse(text) }

// RegularizerHelp is a page that names all regularizers, each with a line of what it is, in lines of at most width
// characters.
func RegularizerHelp(width int) string { return regularizers.Help(width) }

// RegularizerList is a page about all regularizers and their parameters with their defaults, for people and programs:
// the name of each stands alone at the start of a line, and all about it below, further in.
func RegularizerList(width int) string { return regularizers.List(width) }

// RegularizerSum is a weighted sum of regularizers, Σ wᵢ·Rᵢ.
type RegularizerSum struct{ Parts []RegularizerPart }

// RegularizerPart is one regularizer of a sum.
type RegularizerPart struct {
	Regularizer Regularizer
	Weight      float64 // w, at least 0
}

// Regularize returns a scalar.
func (s *RegularizerSum) Regularize(rows graph.Expr, centers int) graph.Expr {
	if s == nil || len(s.Parts) == 0 {
		return graph.Fail(errors.New("losses: a sum of regularizers needs at least one part"))
	}
	var total graph.Expr
	for i, p := range s.Parts {
		if !(p.Weight >= 0) || p.Weight > maxWeight {
			return graph.Fail(errors.Errorf("losses: part %d of the regularizers has the weight %g, want a number of at least 0", i, p.Weight))
		}
		r := regularized(p.Regularizer, rows, centers).Scale(p.Weight)
		if i > 0 {
			r = total.Add(r)
		}
		total = r
	}
	return total
}

// maxWeight bounds weights: products with larger ones may overflow in float32.
const maxWeight = 1e30

// regularized is what r makes of rows, an error if r is nil.
func regularized(r Regularizer, rows graph.Expr, centers int) graph.Expr {
	if r == nil || catalog.IsNil(r) {
		return graph.Fail(errors.Errorf("losses: the regularizer is nil (%T)", r))
	}
	if err := rows.Err(); err != nil {
		return graph.Fail(err)
	}
	if s := rows.Shape(); s.Dims() != 2 || centers < 1 || s[0]%centers != 0 {
		return graph.Fail(errors.Errorf("losses: regularizer of shape %v with %d vectors a class, want (C·%d, E)", s, centers, centers))
	}
	return r.Regularize(rows, centers)
}

// addRegularizer adds to loss, if there is a regularizer, its value for the learned weights of the
// classes: matrices (C·K, E) with K vectors of each class.
func addRegularizer(loss graph.Expr, r Regularizer, params *graph.Params, classes int) graph.Expr {
	if r == nil || loss.Err() != nil {
		return loss
	}
	items, nodes := params.Learned(loss.Graph())
	for i, item := range items {
		if s := item.Shape(); s.Dims() == 2 && s[0]%classes == 0 {
			loss = loss.Add(regularized(r, graph.Of(nodes[i]), s[0]/classes))
		}
	}
	return loss
}

// ofEmbeddings is a regularizer as a loss. It takes the embeddings before they are normalised if the
// batch has them, else the embeddings. It ignores a reference set and a selection of pairs.
func ofEmbeddings(r Regularizer, b pairs.Batch) graph.Expr {
	if err := b.X.Err(); err != nil {
		return graph.Fail(err)
	}
	if b.Raw != (graph.Expr{}) {
		return regularized(r, b.Raw, 1)
	}
	return regularized(r, b.X, 1)
}
