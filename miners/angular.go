package miners

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Angular chooses the triplets (a, p, n) with an angle above Angle at the negative, by which the
// angular loss measures a triplet: with c the point between a and p,
//
//	tan α = ‖a − p‖ / (2‖n − c‖)
//
// As 4‖n − c‖² = 2‖a − n‖² + 2‖p − n‖² − ‖a − p‖², these are the triplets with
//
//	‖a − p‖² > 2 sin²α (‖a − n‖² + ‖p − n‖²)
//
// which needs no distance to c. Distances are Euclidean.
//
// J. Wang, F. Zhou, S. Wen, X. Liu and Y. Lin, "Deep Metric Learning with Angular Loss", ICCV 2017.
type Angular struct {
	Angle float64 `doc:"α, in degrees" min:"0" max:"90"`
	Raw   bool    `doc:"embeddings are taken as they are, not normalised first"`
}

func init() {
	Register("angular", "triplets with a large angle at the negative (Wang 2017)", Angular{Angle: 20})
}

// Mine chooses triplets.
func (m Angular) Mine(b pairs.Batch) pairs.Selection {
	if !(m.Angle >= 0 && m.Angle <= 90) {
		return Fail(errors.Errorf("miners: angular: the angle is %g, want 0 to 90 degrees", m.Angle))
	}
	metric := pairs.LP{Power: 2, Raw: m.Raw}
	s := math.Sin(m.Angle * math.Pi / 180)
	k := -2 * s * s
	w := pairs.Window{Above: 0, AtMost: math.Inf(1), Sides: graph.Sides{AP: 1, AN: k, PN: k}}
	if b.HasReference() {
		w.Among = b.Among(metric)
	}
	return windowed(b, "angular", metric, w)
}

// windowed is the batch's selection with a window of triplets, by distances of the metric.
func windowed(b pairs.Batch, name string, metric pairs.Metric, w pairs.Window) pairs.Selection {
	chosen := b.Chosen
	if err := noTriplets(chosen, name); err != nil {
		return Fail(err)
	}
	c := b.Compare(metric)
	w.D = c.D.Detach()
	chosen.Pos, chosen.Neg, chosen.Hold, chosen.Window = c.Pos, c.Neg, c.Hold, w
	return chosen
}

// noTriplets is an error if triplets were chosen before, of which a second choice could not be
// told.
func noTriplets(chosen pairs.Selection, name string) error {
	chosen.Single = false // of which one can choose again
	if chosen.OfTriplets() {
		return errors.Errorf("miners: %s: the batch's selection has a window of triplets or the like, and can have only one: let a miner of pairs choose first", name)
	}
	return nil
}
