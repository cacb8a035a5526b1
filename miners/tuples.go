package miners

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
	"medusa/pairs"
)

// Rows are embeddings with their labels.
type Rows struct {
	Embeddings []float64 // (N, E), row-major
	Labels     []int     // (N)
}

// Pairs lists the pairs that m chooses of a batch for a loss that compares by the metric, as such a
// loss sees them: {anchor, other} by their rows, as often as the pair counts. ref is the reference
// set; without rows it is the batch itself. A nil miner chooses all. It computes in float64.
func Pairs(m Miner, metric pairs.Metric, batch, ref Rows) (pos, neg [][2]int, err error) {
	values, columns, err := run(m, metric, batch, ref, func(b pairs.Batch) []graph.Expr {
		c := b.Compare(metric)
		return []graph.Expr{c.Pos, c.Neg}
	})
	if err != nil {
		return nil, nil, err
	}
	list := func(counts []float64) (out [][2]int) {
		for i, n := range counts {
			for range int(n) {
				out = append(out, [2]int{i / columns, i % columns})
			}
		}
		return out
	}
	return list(values[0]), list(values[1]), nil
}

// Triplets lists the triplets {anchor, positive, negative} that m chooses of a batch, as Pairs does;
// of a miner that chooses pairs, all triplets that these make. There may be very many. They are
// found one by one from what the Selection says, and not by what the losses add up with.
func Triplets(m Miner, metric pairs.Metric, batch, ref Rows) ([][3]int, error) {
	var chosen []pairs.Selection
	values, columns, err := run(m, metric, batch, ref, func(b pairs.Batch) (out []graph.Expr) {
		for s := &b.Chosen; s != nil; s = s.Or {
			chosen = append(chosen, *s)
			only := b
			only.Chosen = pairs.Selection{Pos: s.Pos, Neg: s.Neg, Hold: s.Hold}
			c := only.Compare(metric)
			among := b.Among(metric)
			if s.Window.Among != (graph.Expr{}) {
				among = s.Window.Among
			} else if s.Window.D != (graph.Expr{}) && !b.HasReference() {
				among = s.Window.D
			}
			out = append(out, c.Pos, c.Neg, orElse(s.Window.D, c.D), among, orElse(s.Partners, c.D))
		}
		return out
	})
	if err != nil {
		return nil, err
	}
	var out [][3]int
	for i, s := range chosen {
		t := tuples{s: s, columns: columns, pos: values[5*i], neg: values[5*i+1], d: values[5*i+2], among: values[5*i+3], partners: values[5*i+4]}
		out = append(out, t.list()...)
	}
	return out, nil
}

// orElse is e or, if it is not there, other.
func orElse(e, other graph.Expr) graph.Expr {
	if e == (graph.Expr{}) {
		return other
	}
	return e
}

// tuples are the numbers of a selection.
type tuples struct {
	s                            pairs.Selection
	columns                      int
	pos, neg, d, among, partners []float64
}

func (t tuples) list() (out [][3]int) {
	for i, times := range t.pos {
		if times == 0 {
			continue
		}
		a, p := i/t.columns, i%t.columns
		for n, also := range t.neg[a*t.columns : (a+1)*t.columns] {
			if also == 0 || !t.holds(a, p, n) {
				continue
			}
			for range int(times * also) {
				out = append(out, [3]int{a, p, n})
			}
		}
	}
	return out
}

// holds reports whether the selection holds a triplet of its pairs.
func (t tuples) holds(a, p, n int) bool {
	at := func(of []float64, i, j int) float64 { return of[i*t.columns+j] }
	if t.s.Partners != (graph.Expr{}) && at(t.partners, a, p) != float64(n) {
		return false
	}
	w := t.s.Window
	if w.D == (graph.Expr{}) {
		return true
	}
	v := at(t.d, a, n) - at(t.d, a, p)
	if k := w.Sides; k != (graph.Sides{}) {
		v = k.AP*at(t.d, a, p) + k.AN*at(t.d, a, n) + k.PN*at(t.among, p, n)
	}
	return v > w.Above && v <= w.AtMost
}

// run computes what of makes of a batch of which m chose.
func run(m Miner, metric pairs.Metric, batch, ref Rows, of func(b pairs.Batch) []graph.Expr) (values [][]float64, columns int, err error) {
	defer graph.Guard("listing what a miner chooses", &err)
	g := gorgonia.NewGraph()
	var b pairs.Batch
	if b.X, b.Labels, err = batch.in(g, "", len(batch.Embeddings)); err != nil {
		return nil, 0, err
	}
	columns = len(batch.Labels)
	if len(ref.Labels) > 0 || len(ref.Embeddings) > 0 {
		if b.Ref, b.RefLabels, err = ref.in(g, "reference ", len(ref.Embeddings)); err != nil {
			return nil, 0, err
		}
		columns = len(ref.Labels)
	}
	if p := ParamsOf(m); p != nil {
		defer p.Forget(g)
	}
	exprs := of(Choose(m, b, metric))
	read := make([]gorgonia.Value, len(exprs))
	for i, e := range exprs {
		n, err := e.Scale(1).Node() // as numbers in memory
		if err != nil {
			return nil, 0, err
		}
		gorgonia.Read(n, &read[i])
	}
	vm, err := machine.New(g)
	if err != nil {
		return nil, 0, err
	}
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return nil, 0, errors.Wrap(err, "miners")
	}
	for _, v := range read {
		numbers, err := graph.Numbers(v)
		if err != nil {
			return nil, 0, err
		}
		values = append(values, numbers)
	}
	return values, columns, nil
}

// in adds rows to a graph.
func (r Rows) in(g *gorgonia.ExprGraph, name string, numbers int) (x, labels graph.Expr, err error) {
	n := len(r.Labels)
	if n == 0 || numbers == 0 || numbers%n != 0 {
		return x, labels, errors.Errorf("miners: %d numbers with %d labels are no %sembeddings of one size", numbers, n, name)
	}
	classes := make([]float64, n)
	for i, l := range r.Labels {
		classes[i] = float64(l)
	}
	node := func(name string, values []float64, shape ...int) *gorgonia.Node {
		var v *tensor.Dense
		if err == nil {
			v, err = graph.Tensor(values, tensor.Float64, shape...)
		}
		if err != nil {
			return nil
		}
		return gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(v))
	}
	rows, of := node(name+"embeddings", r.Embeddings, n, numbers/n), node(name+"labels", classes, n)
	if err != nil {
		return x, labels, err
	}
	return graph.Of(rows), graph.Data(of), nil
}
