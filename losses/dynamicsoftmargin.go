package losses

import (
	"cmp"
	"fmt"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// DynamicSoftMargin weighs triplets by how hard they are among those of late, so that no margin
// need be chosen. Over the triplets (a, p, n),
//
//	L = mean of C(v)·v,   v = d_ap − d_an
//
// where d is the distance and C(v) the share of triplets up to v: the cumulated histogram, at the
// lower edge of the bin of v, of Bins bins between −Range and Range. The histogram is a moving
// average over batches,
//
//	H ← (1 − μ)·H + μ·h
//
// with h that of the batch, which adds up to 1 and which H is at first, and μ the Momentum. A
// triplet counts at the two edges of its bin, the more at the nearer; what lies beyond the bins
// counts as at their end. H is part of the loss's state, and of checkpoints; a batch without a
// triplet leaves it as it is, and so does an evaluation.
//
// The weights are held fixed in the gradient, as in the authors' code. With Through it flows
// through the batch's part of H, too, as in pytorch-metric-learning; then it is the gradient of
// the value. The authors take of each positive pair the hardest negative alone, which is a
// miner's to choose.
//
// Since the weights go by the batch, there are no terms to reduce.
//
// L. Zhang and S. Rusinkiewicz, "Learning Local Descriptors With a CDF-Based Dynamic Soft
// Margin", ICCV 2019.
type DynamicSoftMargin struct {
	Bins     int          `doc:"number of bins of the histogram" min:"1" max:"10000"`
	Range    float64      `doc:"largest difference of two distances; 2 for normalised embeddings" above:"0" max:"1e6"`
	Momentum float64      `doc:"μ, share of the batch in the histogram" above:"0" max:"1"`
	Through  bool         `doc:"the gradient flows through the histogram, too"`
	Metric   pairs.Metric `name:"distance" doc:"how embeddings are compared; the range is in its units" none:"lp"`
	Miner    miners.Miner `doc:"which triplets count" none:"all"`

	params *graph.Params
}

var defaultDynamicSoftMargin = &DynamicSoftMargin{Bins: 10, Range: 2, Momentum: 0.01, Metric: pairs.LP{}}

func init() {
	Register("dynamic-soft-margin", "triplets weighed by how hard they are among those of late (Zhang 2019)", defaultDynamicSoftMargin)
}

var _ Trainable = (*DynamicSoftMargin)(nil)

// Params are the buffers of the histogram, (1, Bins + 1).
func (l *DynamicSoftMargin) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	return ownParams(&l.params, 0)
}

// Loss returns a scalar.
func (l *DynamicSoftMargin) Loss(b pairs.Batch) graph.Expr {
	if err := check("dynamic-soft-margin", l); err != nil {
		return graph.Fail(err)
	}
	m := cmp.Or(l.Metric, defaultDynamicSoftMargin.Metric)
	numbers, parts := miners.Choose(l.Miner, b, m).TripletBins(m, -l.Range, l.Range, l.Bins) // (B, bins)
	if err := parts.Err(); err != nil {
		return graph.Fail(err)
	}
	numbers, parts = numbers.SumAxis(0), parts.SumAxis(0) // (1, bins)
	total := numbers.Sum()
	total = total.Add(total.Is(0))
	histogram := l.average(graph.SoftHistogram(numbers, parts).Div(total), numbers.Sum().Above(0))
	if !l.Through {
		histogram = histogram.Detach()
	}
	weights := cumulative(histogram).Slice(1, 0, l.Bins)
	width := 2 * l.Range / float64(l.Bins)
	violations := numbers.Mul(l.edges(numbers)).Add(parts.Scale(width)) // (1, bins), the sum of v in each bin
	return weights.Mul(violations).Sum().Div(total)
}

// edges are the lower edges of the bins, (1, bins).
func (l *DynamicSoftMargin) edges(e graph.Expr) graph.Expr {
	edges := make([]float64, l.Bins)
	for i := range edges {
		edges[i] = l.Range * (2*float64(i)/float64(l.Bins) - 1)
	}
	return fixedMatrix(e, fmt.Sprintf("edges of %d bins to %g", l.Bins, l.Range), edges, 1, l.Bins)
}

// average takes the histogram of this batch, (1, bins+1), into the moving average and gives that;
// some, a scalar, is 0 for a batch without a triplet.
func (l *DynamicSoftMargin) average(batch, some graph.Expr) graph.Expr {
	const name = "histogram"
	g, dt, n := batch.Graph(), batch.Dtype(), l.Bins+1
	queue := l.Params().Queue(g, name, dt, graph.Fill(0), 1, n)
	before := l.Params().Buffer(g, name, dt, graph.Fill(0), 1, n)
	share := before.Sum().Above(0).Affine(l.Momentum-1, 1).Mul(some) // of this batch, all of it at first
	after := before.Mul(share.Not()).Add(batch.Mul(share))
	// Nothing else reads the queue, which is written once its last state was read.
	written := queue.Push(after).Scale(0).Sum()
	return after.Add(written)
}
