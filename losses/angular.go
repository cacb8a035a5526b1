package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// Angular bounds, in the triangle of an anchor, a positive and a negative, the angle at the
// negative by α:
//
//	L = R over positive pairs (a,p) of ln( 1 + Σ over n of e^{f_apn} )
//	f_apn = 4·tan²α·⟨x_a + x_p, x_n⟩ − 2·(1 + tan²α)·⟨x_a, x_p⟩
//
// where n goes over the negatives of a, α is the Alpha and R the Reducer. Rows have length 1, or
// with Rows RawRows the length that they come with; with RawNegatives only x_a and x_p have length
// 1, as in pytorch-metric-learning. An anchor without a negative has terms of 0. With a reference
// set p and n are of its rows.
//
// The paper has α between 36° and 55°, and adds the loss to NPairs, as in n-pairs + 2*angular.
//
// Time is proportional to the number of triplets, memory to B·M; see graph.PairLogSumExp.
//
// J. Wang, F. Zhou, S. Wen, X. Liu and Y. Lin, "Deep Metric Learning with Angular Loss", ICCV
// 2017, eq. 7 and 9.
type Angular struct {
	Alpha   float64       `doc:"α, in degrees, that bounds the angle at the negative" above:"0" below:"90"`
	Rows    RowLengths    `doc:"whether rows have length 1: all, all but negatives, or none" choices:"normalised,raw-negatives,raw" unset:"normalised"`
	Miner   miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer pairs.Reducer `doc:"how terms become one number" none:"mean"`
}

// RowLengths says which rows Angular normalises.
type RowLengths string

// What Angular normalises.
const (
	NormalisedRows RowLengths = "normalised"
	RawNegatives   RowLengths = "raw-negatives"
	RawRows        RowLengths = "raw"
)

var defaultAngular = Angular{Alpha: 40, Rows: NormalisedRows, Reducer: pairs.Mean{}}

func init() {
	Register("angular", "bounds the angle at the negative of a triplet (Wang 2017)", defaultAngular)
}

var _ Termed = Angular{}

// Loss returns a scalar.
func (l Angular) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultAngular.Reducer))
}

// Terms are those of positive pairs, which all always teach.
func (l Angular) Terms(b pairs.Batch) pairs.Terms {
	if err := check("angular", l); err != nil {
		return failed(err)
	}
	c := compare(b, l.Miner, l.metric())
	if err := c.D.Err(); err != nil {
		return failed(err)
	}
	anchors, others := b.X, b.X
	if b.HasReference() {
		others = b.Ref
	}
	positives, negatives := others, others
	if l.Rows != RawRows {
		anchors, positives = graph.Normalize(anchors), graph.Normalize(positives)
	}
	if l.Rows != RawRows && l.Rows != RawNegatives {
		negatives = positives
	}
	square := math.Pow(math.Tan(l.Alpha*math.Pi/180), 2)
	toAnchors, toPositives := graph.DotProducts(anchors, negatives), graph.DotProducts(positives, negatives) // (B, M), (M, M)
	push := c.PairLogSumExp(toAnchors.Scale(4*square), toPositives.Scale(4*square))                          // (B, M)
	return pairs.Terms{c.Term("loss", c.Pos, push.Add(c.D.Scale(2*(1+square))).Softplus()).NeverIdle()}
}

// metric compares anchors and positives.
func (l Angular) metric() pairs.Metric {
	if l.Rows == RawNegatives {
		return cosineOfRaw{}
	}
	return pairs.Dot{Raw: l.Rows == RawRows}
}

// cosineOfRaw is the cosine, of the products of rows x of length 1 with rows y as they are, which
// the negatives need anyway: another matrix of products would cost more than all else but these.
type cosineOfRaw struct{}

func (cosineOfRaw) Between(x, y graph.Expr) graph.Expr {
	const least = 1e-24 // the square of what graph.Normalize takes a row to be at least
	squares := y.Square().SumAxis(1)
	lengths := squares.Max(squares.Constant(least)).Sqrt() // (M, 1)
	return graph.DotProducts(graph.Normalize(x), y).Div(lengths.T())
}

func (cosineOfRaw) Similarity() bool { return true }
