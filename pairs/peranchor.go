package pairs

import "medusa/graph"

// PerAnchor averages each anchor's terms, 0 of an anchor without any, and reduces the B
// averages as Of does. PerAnchor{Of: NonZero{}} is the average over anchors whose average is
// above 0; for the average of each anchor's terms above 0 see Threshold{Of: PerAnchor{}}.
type PerAnchor struct {
	Of Reducer `doc:"what reduces the anchors' averages" none:"mean"`
}

// Reduce makes one number of the terms.
func (r PerAnchor) Reduce(t Term) graph.Expr {
	sum, count := t.Sums()
	means := t.divided(sum, count) // (B, 1)
	if _, mean := ofOr(r.Of).(Mean); mean {
		return means.Mean()
	}
	anchors := anchorTerm(t.Name, t.Labels, means)
	anchors.Divisor = t.Divisor
	return r.Of.Reduce(anchors)
}
