package losses

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Center draws each sample to the center of its class, a learned vector:
//
//	L = mean over i of ½·‖x_i − c_{y_i}‖²
//
// It pushes nothing apart, and by itself makes all samples one point: it stands beside a loss that
// tells classes apart, such as ce + 0.003*center.
//
// By default the centers follow the gradient of the loss through the solver, faster than the network by
// the LRScale. With Update ByMean they move as in the paper, by no gradient and whatever the solver does:
// after a step
//
//	c_k ← c_k − α·Δ_k,   Δ_k = Σ over i of class k of (c_k − x_i) / (1 + n_k)
//
// where n_k is how many samples of the batch are of class k, and α the Rate. A miner changes which samples
// are drawn to their centers, not which move these. The centers are then a buffer that a checkpoint has.
//
// Y. Wen, K. Zhang, Z. Li and Y. Qiao, "A Discriminative Feature Learning Approach for Deep Face
// Recognition", ECCV 2016.
type Center struct {
	Update CenterUpdate `doc:"how centers move: by the gradient, or to the mean of their samples as in the paper" choices:"gradient,mean" unset:"gradient"`
	Rate   float64      `doc:"α, how far they do by update=mean" min:"0" max:"1"`
	ClassWeights
}

// CenterUpdate says how centers move.
type CenterUpdate string

// The ways of Center.
const (
	ByGradient CenterUpdate = "gradient"
	ByMean     CenterUpdate = "mean"
)

var defaultCenter = &Center{Update: ByGradient, Rate: 0.5, ClassWeights: defaultWeights}

func init() {
	Register("center", "samples near the center of their class; beside a loss that tells classes apart (Wen 2016)", defaultCenter)
}

var (
	_ weighed  = (*Center)(nil)
	_ Settable = (*Center)(nil)
)

// Loss returns a scalar.
func (l *Center) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples.
func (l *Center) Terms(b pairs.Batch) pairs.Terms {
	if err := check("center", l); err != nil {
		return failed(err)
	}
	x, err := l.open("center", b)
	if err != nil {
		return failed(err)
	}
	all := l.centers(b, x)
	centers := graph.Gather(all, graph.Labels(b.Labels, l.Classes)) // (B, E)
	return l.samples(b, x.Sub(centers).Square().SumAxis(1).Scale(0.5))
}

// centers are those of all classes, (C, E), before this step.
func (l *Center) centers(b pairs.Batch, x graph.Expr) graph.Expr {
	if l.Update != ByMean {
		return l.vectors(centerWeight, x, 1)
	}
	if l.Regularizer != nil {
		return graph.Fail(errors.New("losses: center: a regularizer learns centers by the gradient, and with update=mean there is none: leave one of them out"))
	}
	shape, init := []int{l.Classes, x.Shape()[1]}, uniform(1/math.Sqrt(float64(x.Shape()[1])))
	queue := l.Params().Queue(x.Graph(), centerWeight, x.Dtype(), init, shape...)
	// A copy: the step overwrites the buffer.
	before := l.Params().Buffer(x.Graph(), centerWeight, x.Dtype(), init, shape...).Scale(1).Detach()
	if err := before.Err(); err != nil {
		return before
	}
	of := graph.SameLabel(graph.Iota(b.Labels, l.Classes), b.Labels) // (C, B)
	n := graph.RowCount(of)                                          // (C, 1)
	delta := n.Mul(before).Sub(of.MatMul(x.Detach())).Div(n.Plus(1))
	if err := queue.Push(before.Sub(delta.Scale(l.Rate))).Err(); err != nil {
		return graph.Fail(err)
	}
	return before
}
