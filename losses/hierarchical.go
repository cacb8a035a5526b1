package losses

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Hierarchical is a sum of losses over levels of labels, such as species, genus and family:
//
//	L = Σ over levels k of c_k · Of_k(X, y^k)
//
// where y⁰ are the labels themselves, y^k the superclasses that Levels or Separator give the
// classes at the k-th level above, and c_k the Weights, 1 each if there are none. Of_0 is Of, and
// Of_k the k-th of Above, or Of where there are not so many.
//
// Levels holds, for each level above the classes, the superclass of each class, by their numbers.
// Instead, with a Separator such as /, names of classes say it: those of bird/duck/mallard and of
// bird/duck/teal are one class at the first level above, and all birds at the second. Folders in
// folders make such names.
//
// A loss with weights of classes serves one level; the losses above then are others.
type Hierarchical struct {
	Of        Loss      `doc:"the loss of the classes themselves"`
	Above     []Loss    `doc:"the losses of the levels above, such as [ce, triplet]; of, where there are not so many"`
	Levels    [][]int   `doc:"for each level above, the superclass of each class 0, 1, 2, …, such as [[0, 0, 1]]" min:"0" max:"1e6"`
	Separator string    `doc:"what stands between the parts of a class's name, such as /, whose beginnings then are the levels"`
	Weights   []float64 `doc:"of the levels, that of the classes first" min:"0" max:"1e6" unset:"1 each"`

	named   [][]int // levels by names of classes
	classes int     // 0: not known
	params  *graph.Params
}

var defaultHierarchical = &Hierarchical{Of: defaultContrastive, Separator: "/"}

func init() {
	Register("hierarchical", "a sum of losses over levels of labels, such as species and genus", defaultHierarchical)
}

var (
	_ Trainable = (*Hierarchical)(nil)
	_ Termed    = (*Hierarchical)(nil)
	_ Settable  = (*Hierarchical)(nil)
)

func (l *Hierarchical) within() []Loss { return append([]Loss{l.Of}, l.Above...) }
func (*Hierarchical) owns() bool       { return true }

// lossAt is the loss of a level, 0 being the classes.
func (l *Hierarchical) lossAt(level int) Loss {
	if level == 0 || level > len(l.Above) {
		return l.Of
	}
	return l.Above[level-1]
}

// levels are those above the classes.
func (l *Hierarchical) levels() [][]int {
	if len(l.Levels) > 0 {
		return l.Levels
	}
	return l.named
}

// Loss returns a scalar.
func (l *Hierarchical) Loss(b pairs.Batch) graph.Expr {
	if err := l.check(b); err != nil {
		return graph.Fail(err)
	}
	if _, err := l.join(); err != nil {
		return graph.Fail(err)
	}
	return weightedSum(len(l.levels())+1, l.Weights, func(k int) (graph.Expr, error) {
		term, err := exprOf(l.lossAt(k), l.withLabels(b, k))
		return term, errors.Wrapf(err, "losses: hierarchical: level %d", k)
	})
}

// Terms are those of the classes themselves, none if their loss does not tell them.
func (l *Hierarchical) Terms(b pairs.Batch) pairs.Terms {
	if err := l.check(b); err != nil {
		return failed(err)
	}
	return termsOf(l.Of, b)
}

// withLabels returns the batch with the labels of a level, 0 being the classes.
func (l *Hierarchical) withLabels(b pairs.Batch, level int) pairs.Batch {
	if level == 0 {
		return b
	}
	table := constants(b.X, "superclasses", numbers(l.levels()[level-1]), len(l.levels()[level-1]), 1)
	above := func(labels graph.Expr) graph.Expr {
		if labels == (graph.Expr{}) || labels.Err() != nil {
			return labels
		}
		return graph.Gather(table, labels).Reshape(labels.Shape()[0])
	}
	b.Labels, b.RefLabels = above(b.Labels), above(b.RefLabels)
	return b
}

func (l *Hierarchical) check(b pairs.Batch) error {
	if err := check("hierarchical", l); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	if b.Chosen.Pos != (graph.Expr{}) || b.Chosen.Neg != (graph.Expr{}) || b.Chosen.Window != (pairs.Window{}) {
		return errors.New("losses: hierarchical: a miner around it knows one level alone: give the losses in it the miner, as in hierarchical(of=contrastive(miner=batch-hard))")
	}
	levels := l.levels()
	if len(levels) == 0 {
		return errors.Errorf("losses: hierarchical: there are no levels above the classes: give levels, or a separator that stands in the classes' names, %q does not", l.Separator)
	}
	for k, of := range levels {
		if l.classes > len(of) {
			return errors.Errorf("losses: hierarchical: level %d has the superclasses of %d classes, want those of %d", k+1, len(of), l.classes)
		}
	}
	if len(l.Above) > len(levels) {
		return errors.Errorf("losses: hierarchical: %d losses above for %d levels", len(l.Above), len(levels))
	}
	if l.Weights != nil && len(l.Weights) != len(levels)+1 {
		return errors.Errorf("losses: hierarchical: %d weights, want %d: of the classes and of the levels above", len(l.Weights), len(levels)+1)
	}
	if hasLearned(l.Of) && len(l.Above) < len(levels) {
		return errors.New("losses: hierarchical: a loss with weights of classes serves one level: give each level above a loss of its own, as in hierarchical(of=ce, above=[ce])")
	}
	return nil
}

// Params are those of the losses, that of level k under "k.".
func (l *Hierarchical) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	return orNone(l.join())
}

func (l *Hierarchical) join() (*graph.Params, error) {
	names := []string{"0."}
	for k := range l.Above {
		names = append(names, strconv.Itoa(k+1)+".")
	}
	return withParts(&l.params, names, l.within())
}

// Classifies reports whether one of the losses does.
func (l *Hierarchical) Classifies() bool { return slices.ContainsFunc(l.within(), Classifies) }

// Set makes levels of the classes' names, and hands the setting on to the losses.
func (l *Hierarchical) Set(s Setting) error {
	l.classes = s.Classes
	if len(l.Levels) == 0 && l.Separator != "" {
		l.named = levelsOf(s.ClassNames, l.Separator)
	}
	for k, loss := range l.within() {
		if levels := l.levels(); k > 0 && k <= len(levels) {
			s.Classes, s.ClassNames = slices.Max(append([]int{0}, levels[k-1]...))+1, nil
		}
		if err := set(loss, s); err != nil {
			return err
		}
	}
	return nil
}

// levelsOf returns the levels above classes whose names have parts. The k-th level leaves out the last k
// parts of each name, but never the first part.
func levelsOf(names []string, separator string) (levels [][]int) {
	deepest := 0
	for _, name := range names {
		deepest = max(deepest, strings.Count(name, separator))
	}
	for k := 1; k <= deepest; k++ {
		var above []string
		for _, name := range names {
			parts := strings.Split(name, separator)
			above = append(above, strings.Join(parts[:max(len(parts)-k, 1)], separator))
		}
		sorted := slices.Clone(above)
		slices.Sort(sorted)
		sorted = slices.Compact(sorted)
		of := make([]int, len(above))
		for class, name := range above {
			of[class], _ = slices.BinarySearch(sorted, name)
		}
		levels = append(levels, of)
	}
	return levels
}

// Validate says what is missing.
func (l *Hierarchical) Validate() error {
	for k, loss := range l.within() {
		if err := checkGiven(loss); err != nil {
			return errors.WithMessagef(err, "level %d", k)
		}
	}
	if err := acyclic(l); err != nil {
		return err
	}
	return checkWeights(l.Weights)
}

// numbers are whole numbers as floating-point ones.
func numbers(of []int) []float64 {
	out := make([]float64, len(of))
	for i, n := range of {
		out[i] = float64(n)
	}
	return out
}
