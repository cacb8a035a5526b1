package losses

import (
	"fmt"
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/pairs"
)

// Competition says against which classes a sample's own competes: all, those of the batch alone
// (sampled softmax), or those of the batch and a Share of the others, drawn anew at each step
// (Partial FC). A sampled loss costs what the classes cost that compete, however many there are
// besides, but for drawing them; and so do its gradient and the solver's step, by rows (see
// optim.Config.AllRows): the vectors of classes that do not compete stay as they are. A Regularizer reads
// all vectors, and so makes all of them learn, and cost, at each step.
//
// The share s is drawn in layers: the C classes are dealt in ⌈s·C⌉ groups of neighbours, equal in
// size or one apart, and of each group one class competes, drawn among those that are not in the
// batch. So none is drawn twice, and each comes up about equally often. Draws come from the loss's
// seed, and go on where they were when a run is resumed.
//
// S. Jean et al., "On Using Very Large Target Vocabulary for Neural Machine Translation", ACL 2015.
// X. An et al., "Killing Two Birds with One Stone: Efficient and Robust Training of Face Recognition
// CNNs by Partial FC", CVPR 2022.
type Competition struct {
	Compete Competitors `name:"classes" doc:"which classes compete: all, or those of the batch (sampled softmax)" choices:"all,batch" unset:"all"`
	Share   float64     `doc:"with classes=all, how many of the classes that are not in the batch compete, drawn anew at each step (Partial FC; An 2022)" above:"0" max:"1" unset:"1"`
	ClassWeights
}

// Competitors says which classes compete in a softmax.
type Competitors string

// Which classes compete.
const (
	AllClasses   Competitors = "all"
	BatchClasses Competitors = "batch"
)

var defaultCompetition = Competition{Compete: AllClasses, Share: 1, ClassWeights: defaultWeights}

// learning returns l with weights that learn scale times as fast as the network.
func (l Competition) learning(scale float64) Competition {
	l.LRScale = scale
	return l
}

// Validate says what fields do not go together.
func (l *Competition) Validate() error {
	if l.Compete == BatchClasses && l.Share != 0 && l.Share != 1 {
		return errors.Errorf("a share of %g of the classes that are not in the batch, and classes=batch, with which none of them competes; leave one of the two out", l.Share)
	}
	return nil
}

// sampled reports whether not all classes compete.
func (l *Competition) sampled() bool {
	return l.Compete == BatchClasses || l.groups() < l.Classes
}

// contest is what the samples of a batch are compared with: K columns, each of a class that competes.
type contest struct {
	x       graph.Expr // (B, E), what is compared
	w       graph.Expr // (K·V, E), the V vectors of each column's class
	v       int        // V
	all     int        // C
	labels  graph.Expr // (B)
	classes graph.Expr // (K), the columns' classes, −1 where the column stands for none; zero: 0 … C−1
	counts  graph.Expr // (K, 1), how much a column counts: 1/n of n columns of one class, 0 of none; zero: 1
}

// contest is that of a batch for the loss of that name, with v vectors of each class under a name
// of parameters.
func (l *Competition) contest(name string, loss weighed, b pairs.Batch, parameter string, v int) (c contest, err error) {
	if err := check(name, loss); err != nil {
		return c, err
	}
	if c.x, err = l.open(name, b); err != nil {
		return c, err
	}
	c.v, c.all, c.labels, c.w = v, l.Classes, b.Labels, l.vectors(parameter, c.x, v)
	if err := c.w.Err(); err != nil || !l.sampled() {
		return c, err
	}
	c.labels = graph.Labels(b.Labels, l.Classes)
	same, _ := graph.PairMasksBetween(c.labels, c.labels)
	c.classes, c.counts = c.labels, oneOver(graph.RowCount(same))
	if l.Compete != BatchClasses {
		drawn, there := l.drawn(c.labels, l.groups())
		c.classes, c.counts = graph.Concat(0, c.classes, drawn), graph.Concat(0, c.counts, there)
	}
	c.w = graph.Gather(c.w, vectorsOf(c.rows(), v))
	return c, c.w.Err()
}

// everyClass reports whether the columns are all classes, in their order.
func (c contest) everyClass() bool { return c.classes == graph.Expr{} }

// rows are the columns' classes (K); where the column stands for none, that of the first sample, whose
// vectors learn anyway.
func (c contest) rows() graph.Expr {
	if c.classes == c.labels { // of classes=batch
		return c.classes
	}
	return graph.WhereElse(c.classes.Is(-1), c.labels.Slice(0, 0, 1), c.classes)
}

// masks are those (B, K) of the columns of each sample's own class, and of other classes.
func (c contest) masks() (own, others graph.Expr) {
	labels, classes := c.labels, c.classes
	if c.everyClass() {
		labels, classes = graph.Labels(labels, c.all), graph.Iota(labels, c.all)
	}
	return graph.PairMasksBetween(labels, classes)
}

// oneOver is 1/n.
func oneOver(n graph.Expr) graph.Expr { return n.Constant(1, n.Shape()...).Div(n) }

// vectorsOf are the rows (K·v) of the vectors of classes (K).
func vectorsOf(classes graph.Expr, v int) graph.Expr {
	if v == 1 {
		return classes
	}
	k := classes.Shape()[0]
	return classes.Scale(float64(v)).Reshape(k, 1).Add(graph.Iota(classes, v).Reshape(1, v)).Reshape(k * v)
}

// groups is the number of groups of classes, of each of which one class competes.
func (l *Competition) groups() int {
	if l.Share == 0 || l.Classes < 2 {
		return l.Classes
	}
	return min(int(math.Ceil(l.Share*float64(l.Classes))), l.Classes)
}

// drawn draws from each group a class that is not among the labels. classes (groups) are their numbers,
// and −1 for a group whose classes are all among the labels; there (groups, 1) is the mask of the groups
// that have one.
func (l *Competition) drawn(labels graph.Expr, groups int) (classes, there graph.Expr) {
	free := graph.LabelCounts(labels, l.Classes).Is(0) // (C, 1)
	free = graph.Concat(0, free, free.Constant(0, 1, 1))
	size := (l.Classes + groups - 1) / groups
	starts, places := make([]float64, groups), make([]float64, 0, groups*size)
	for g := range groups {
		from, to := share(g, groups, l.Classes), share(g+1, groups, l.Classes)
		starts[g] = float64(from)
		for i := range size {
			place := from + i
			if place >= to {
				place = l.Classes // which is never free
			}
			places = append(places, float64(place))
		}
	}
	at := constant(labels, fmt.Sprintf("places of %d classes in %d groups", l.Classes, groups), places)
	first := constant(labels, fmt.Sprintf("starts of %d classes in %d groups", l.Classes, groups), starts).Reshape(groups, 1)
	source := l.Params().Random(labels.Graph(), "classes.drawn", labels.Dtype()).Rewound()
	chosen := source.Choose(graph.Gather(free, at).Reshape(groups, size), 1) // (groups, 1)
	there = chosen.Is(-1).Not()
	return first.Add(chosen).Plus(1).Mul(there).Plus(-1).Reshape(groups), there
}

// share is ⌊n·g/of⌋, also where the product is no int of 32 bits.
func share(g, of, n int) int { return int(int64(g) * int64(n) / int64(of)) }

// constant is a vector of numbers, which the name tells: Gorgonia merges inputs of one name.
func constant(like graph.Expr, name string, values []float64) graph.Expr {
	v, err := graph.Tensor(values, like.Dtype(), len(values))
	if err != nil {
		return graph.Fail(errors.Wrap(err, "losses"))
	}
	return graph.Data(gorgonia.NewVector(like.Graph(), like.Dtype(), gorgonia.WithName(name), gorgonia.WithShape(len(values)), gorgonia.WithValue(v)))
}

// columns is K.
func (c contest) columns() int { return c.w.Shape()[0] / c.v }

// ofOwn is each sample's entry (B, 1) of z (B, K) in the column of its own class.
func (c contest) ofOwn(z graph.Expr) graph.Expr {
	own, _ := c.masks()
	z, _ = graph.RowMaxOf(own, z) // several columns of one class are equal
	return z
}

// logSumOfOthers is ln Σ e^z of z (B, K) over the classes that are not the sample's own, (B, 1), each
// counted once, with the mask of the samples that have one.
func (c contest) logSumOfOthers(z graph.Expr) (sum, some graph.Expr) {
	if c.counts != (graph.Expr{}) {
		z = z.Add(c.counts.T().Log())
	}
	_, others := c.masks()
	return graph.RowLogSumExpOf(others, z)
}

// sumOfOthers adds up z (B, K) over the classes that are not the sample's own, (B, 1), each counted
// once.
func (c contest) sumOfOthers(z graph.Expr) graph.Expr {
	_, others := c.masks()
	sum, _ := graph.RowTerms(others, c.once(z), math.Inf(-1), math.Inf(1))
	return sum
}

// sum adds up z (B, K) over all classes that compete, (B, 1), each counted once.
func (c contest) sum(z graph.Expr) graph.Expr { return c.once(z).SumAxis(1) }

// once is z (B, K) times how much each column counts.
func (c contest) once(z graph.Expr) graph.Expr {
	if c.counts == (graph.Expr{}) {
		return z
	}
	return z.Mul(c.counts.T())
}

// meanOver is a sum over the classes that compete divided by their number.
func (c contest) meanOver(sum graph.Expr) graph.Expr {
	if c.counts != (graph.Expr{}) {
		return sum.Div(c.counts.Sum())
	}
	return sum.Scale(1 / float64(c.columns()))
}
