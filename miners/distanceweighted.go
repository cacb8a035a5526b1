package miners

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// DistanceWeighted draws one negative for each positive pair, so that negatives come from all
// distances alike: the nearer ones, of which there are few, with a higher probability. For points
// spread evenly on the sphere of E dimensions the density of distances is q(d) ∝ d^(E−2) (1 −
// d²/4)^((E−3)/2), and a negative at d is drawn with a probability ∝ 1/q(max(d, Cutoff)), if d is
// below the NonzeroLossCutoff, from which on no loss is left. A positive pair whose anchor has no
// such negative makes no triplet.
//
// Distances are Euclidean, of normalised embeddings.
//
// The draws are part of the run: one seed gives one run, and a resumed one draws what it would have
// drawn.
//
// C.-Y. Wu, R. Manmatha, A. J. Smola and P. Krähenbühl, "Sampling Matters in Deep Embedding
// Learning", ICCV 2017.
type DistanceWeighted struct {
	Cutoff            float64 `doc:"nearer negatives are drawn as if they were so far" min:"1e-3" max:"2"`
	NonzeroLossCutoff float64 `doc:"negatives from there on are not drawn; 2, the largest distance, counts as 1.999" above:"0" max:"2"`
	Seed              uint64  `name:"-"` // of the draws

	params *graph.Params
}

func init() {
	Register("distance-weighted", "one negative for each positive pair, drawn from all distances alike (Wu 2017)", &DistanceWeighted{Cutoff: 0.5, NonzeroLossCutoff: 1.4})
}

var _ Stateful = (*DistanceWeighted)(nil)

// draws is the name of the state of a miner's draws.
const draws = "draws"

// Params are the state of the draws.
func (m *DistanceWeighted) Params() *graph.Params { return stateOf(&m.params, m.Seed) }

// SetSeed sets the seed of the draws.
func (m *DistanceWeighted) SetSeed(seed uint64) { m.Seed = seed }

// Validate says what does not go together.
func (m *DistanceWeighted) Validate() error {
	if !(m.Cutoff >= 1e-3 && m.Cutoff < m.NonzeroLossCutoff && m.NonzeroLossCutoff <= 2) {
		return errors.Errorf("miners: distance-weighted: the cutoff is %g and nonzero-loss-cutoff %g, want 0.001 ≤ cutoff < nonzero-loss-cutoff ≤ 2", m.Cutoff, m.NonzeroLossCutoff)
	}
	return nil
}

// Mine draws triplets.
func (m *DistanceWeighted) Mine(b pairs.Batch) pairs.Selection {
	if err := m.Validate(); err != nil {
		return Fail(err)
	}
	if err := noTriplets(b.Chosen, "distance-weighted"); err != nil {
		return Fail(err)
	}
	c := b.Compare(pairs.LP{})
	if err := c.D.Err(); err != nil {
		return Fail(err)
	}
	r := m.Params().Random(b.X.Graph(), draws, b.X.Dtype()).Stream(0)
	return pairs.Selection{Pos: c.Pos, Neg: c.Neg, Hold: c.Hold, Partners: r.ChooseFor(c.Pos, m.weights(c, b.X.Shape()[1]))}
}

// weights are what negatives are drawn by, (B, M); the largest of each row is 1.
func (m *DistanceWeighted) weights(c pairs.Compared, e int) graph.Expr {
	candidates := between(c, c.Neg, math.Inf(-1), min(m.NonzeroLossCutoff, 1.999))
	d := c.D.Detach()
	d = d.Max(d.Constant(m.Cutoff))
	log := d.Log().Scale(float64(2 - e)).Sub(d.Square().Affine(-0.25, 1).Log().Scale(float64(e-3) / 2))
	return graph.Where(candidates, log.Sub(graph.RowMax(candidates, log, 0)).Exp(), 0)
}
