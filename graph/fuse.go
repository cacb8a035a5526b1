package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"medusa/internal/spec"
)

// Formulas and networks are written in plain ops. Where one op can do its own work and that of an op
// before it at once, it is built as one op that reads the inputs of the other, so that Gorgonia's Grad
// differentiates the whole. The table says which ops can.

// fusion is a row of the table.
type fusion struct {
	name string // the op that is built, and what made its inputs
	// fuse describes the op that does the whole, if the row fits o with the inputs in.
	fuse func(o *op, in []Expr) (w whole, fits bool)
}

// whole is an op that does what several others do.
type whole struct {
	spec  any
	grad  gradient
	in    []Expr
	parts gorgonia.Nodes // what made the inputs that it does not need
}

// fusions is the table. The first row that fits counts. (It is filled in init, as gradients are made of ops.)
var fusions []fusion

func init() {
	fusions = []fusion{
		reluOf("ReLU of linear", func(s *spec.Linear) *bool { return &s.Relu }, linearGradient),
		reluOf("ReLU of convolution", func(s *spec.Conv) *bool { return &s.Relu }, convGradient),
		reluOf("ReLU of normalisation", func(s *spec.BatchNorm) *bool { return &s.Relu }, batchNormGradient),
		reluOf("ReLU of normalised convolution", func(s *spec.ConvNorm) *bool { return &s.Relu }, noGradient),
		reluOf("ReLU of maximum", func(s *spec.MaxPool) *bool { return &s.Relu }, maxPoolGradient),
		reluOf("ReLU of maximum of convolution", func(s *spec.ConvPool) *bool { return &s.Relu }, convPoolGradient),
		reluOf("ReLU of maximum of normalisation", func(s *spec.NormPool) *bool { return &s.Relu }, normPoolGradient),
		{"ReLU of normalisation and shortcut", reluOfNormAdd},
		{"ReLU of sum", reluOfAdd},
		fusionOf("normalisation of convolution", normOfConv),
		fusionOf("maximum of ReLU", maxPoolOfRelu),
		fusionOf("maximum of convolution", maxPoolOfConv),
		fusionOf("maximum of normalised convolution", maxPoolOfConvNorm),
		fusionOf("maximum of normalisation", maxPoolOfNorm),
	}
}

// fusionOf is a row for an op described by an O that reads the result of an op described by an I. in are
// the inputs of the first, of those of the second.
func fusionOf[O, I any](name string, fuse func(outer O, inner I, in, of []Expr) (whole, bool)) fusion {
	return fusion{name, func(o *op, in []Expr) (whole, bool) {
		outer, fits := o.spec.(O)
		if !fits {
			return whole{}, false
		}
		made, inner, fits := madeOf[I](in[0].n)
		if !fits {
			return whole{}, false
		}
		w, fits := fuse(outer, inner, in, made.inputs(in[0]))
		w.parts = gorgonia.Nodes{in[0].n}
		return w, fits
	}}
}

// reluOf is a row for the ReLU of an op that can cut at zero by itself, as relu says.
func reluOf[I any](name string, relu func(*I) *bool, grad func(I) gradient) fusion {
	return fusionOf(name, func(u spec.Unary, what I, _, of []Expr) (whole, bool) {
		fits := u.F == spec.Relu && !*relu(&what)
		*relu(&what) = true
		return whole{spec: what, grad: grad(what), in: of}, fits
	})
}

// noGradient is of an op that is built of data only, and so is what it is fused with.
func noGradient(spec.ConvNorm) gradient { return nil }

// reluOfAdd leaves sums of matrices to the machine's chains.
func reluOfAdd(o *op, in []Expr) (whole, bool) {
	add, fits := reluOfSum(o, in)
	if !fits || o.out.Dims() == 2 {
		return whole{}, false
	}
	what := spec.AddRelu{N: o.out.TotalSize()}
	return whole{what, addReluGradient, add.inputs(in[0]), gorgonia.Nodes{in[0].n}}, true
}

// reluOfNormAdd is the end of a residual block.
func reluOfNormAdd(o *op, in []Expr) (whole, bool) {
	add, fits := reluOfSum(o, in)
	if !fits {
		return whole{}, false
	}
	terms := add.inputs(in[0])
	for i, term := range terms {
		made, norm, fits := madeOf[spec.BatchNorm](term.n)
		other := terms[1-i]
		if !fits || norm.Relu || term.n == other.n {
			continue
		}
		what := spec.BatchNormAdd{BatchNorm: norm}
		return whole{what, batchNormAddGradient(what), append(made.inputs(term), other), gorgonia.Nodes{in[0].n, term.n}}, true
	}
	return whole{}, false
}

// reluOfSum is the op that made the sum, of two of one shape, of which o is the ReLU.
func reluOfSum(o *op, in []Expr) (add *op, fits bool) {
	if u, ok := o.spec.(spec.Unary); !ok || u.F != spec.Relu {
		return nil, false
	}
	add, sum, fits := madeOf[spec.Binary](in[0].n)
	return add, fits && sum.Op == spec.Add && slices.Equal(sum.A, sum.B)
}

// normOfConv scales the filters, which changes a rounding: it does so for any number of pictures, that one
// has the same bits in every batch. It is for evaluation: a gradient would need the convolution's result.
func normOfConv(_ spec.BatchNorm, conv spec.Conv, in, of []Expr) (whole, bool) {
	_, _, fixed := madeOf[spec.RunningStats](in[1].n)
	all := append(of, in[1:]...)
	fits := fixed && !conv.Bias && !conv.Relu && !slices.ContainsFunc(all, func(e Expr) bool { return !e.data })
	return whole{spec: spec.ConvNorm{Conv2D: conv.Conv2D}, in: all}, fits
}

// maxPoolOfRelu cuts the maxima: the larger of 0 and the maximum is the maximum of what is cut at 0.
func maxPoolOfRelu(pool spec.MaxPool, u spec.Unary, _, of []Expr) (whole, bool) {
	pool.Relu = true
	return whole{spec: pool, grad: maxPoolGradient(pool), in: of}, u.F == spec.Relu
}

func maxPoolOfConv(pool spec.MaxPool, conv spec.Conv, _, of []Expr) (whole, bool) {
	what := spec.ConvPool{Conv2D: conv.Conv2D, Pool: pool.Pool2D, Bias: conv.Bias, Relu: conv.Relu}
	return whole{spec: what, grad: convPoolGradient(what), in: of}, apart(pool)
}

// apart reports whether windows do not overlap. Overlapping windows take so long that pooling while the
// input is still in the cache gains nothing.
func apart(p spec.MaxPool) bool { return p.StrideH >= p.KH && p.StrideW >= p.KW }

func maxPoolOfConvNorm(pool spec.MaxPool, conv spec.ConvNorm, _, of []Expr) (whole, bool) {
	what := spec.ConvPool{Conv2D: conv.Conv2D, Pool: pool.Pool2D, Norm: true, Relu: conv.Relu}
	return whole{spec: what, in: of}, apart(pool)
}

func maxPoolOfNorm(pool spec.MaxPool, norm spec.BatchNorm, _, of []Expr) (whole, bool) {
	what := spec.NormPool{BatchNorm: norm, Pool: pool.Pool2D, Relu: norm.Relu}
	what.BatchNorm.Relu = false // that of the pooling does it
	return whole{spec: what, grad: normPoolGradient(what), in: of}, apart(pool)
}

// inputs are what o reads, whose output e is.
func (o *op) inputs(e Expr) []Expr {
	in := make([]Expr, len(o.from))
	for i, n := range o.from {
		in[i] = Expr{n: n, data: e.data || !o.wrt[i]}
	}
	return in
}

// fused returns the op that does the work of o and of an op whose result o reads, with its inputs. Where
// no row of the table fits, it returns o and in.
func fused(o *op, in []Expr) (*op, []Expr) {
	if slices.ContainsFunc(in, func(e Expr) bool { return e.unfused }) {
		return o, in
	}
	for _, row := range fusions {
		w, fits := row.fuse(o, in)
		if !fits {
			continue
		}
		f := &op{spec: w.spec, grad: w.grad, out: o.out, plain: o}
		for _, n := range w.parts {
			part := n.Op().(*op)
			if part.id != 0 || o.id != 0 {
				f.id = ids.Add(1)
			}
			f.parts = append(append(f.parts, n), part.parts...)
		}
		f.read(w.in)
		if f.hasPartsAlone() {
			return f, w.in
		}
	}
	return o, in
}

// hasPartsAlone reports whether nobody but f reads its parts, so far. If somebody does later, the machine
// runs f.plain instead (see stepOf).
func (f *op) hasPartsAlone() bool {
	isPart := func(n *gorgonia.Node) bool { return slices.Contains(f.parts, n) }
	for _, n := range f.parts {
		part := n.Op().(*op)
		if part.endsSegment {
			return false
		}
		by := part.fusedInto
		if by != nil && !isPart(by) && !f.isAt(by) {
			return false
		}
		for readers := n.Graph().To(n.ID()); readers.Next(); {
			if !isPart(readers.Node().(*gorgonia.Node)) {
				return false
			}
		}
	}
	return true
}

// takeParts marks what f, whose node is n, does by itself.
func (f *op) takeParts(n *gorgonia.Node) {
	for _, p := range f.parts {
		if part := p.Op().(*op); part.fusedInto == nil {
			part.absorbed, part.fusedInto = true, n
		}
	}
}

// Unfused is x, with which and with whose results ops are not fused: a graph of it holds each op as it was
// written, for those who read graphs (see OperationOf). It computes the same, but for rounding, more slowly.
func (e Expr) Unfused() Expr {
	e.unfused = true
	return e
}
