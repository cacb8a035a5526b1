package losses

import (
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
// The centers follow the gradient of the loss, faster than the network by the LRScale. The paper moves
// each towards the mean of its samples by a rule of its own, which is that gradient but for the length
// of the step.
//
// Y. Wen, K. Zhang, Z. Li and Y. Qiao, "A Discriminative Feature Learning Approach for Deep Face
// Recognition", ECCV 2016.
type Center struct{ ClassWeights }

var defaultCenter = &Center{defaultWeights}

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
	centers := graph.Gather(l.vectors(centerWeight, x, 1), graph.Labels(b.Labels, l.Classes)) // (B, E)
	return l.samples(b, x.Sub(centers).Square().SumAxis(1).Scale(0.5))
}
