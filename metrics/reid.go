package metrics

import (
	"encoding/json"
	"strconv"
	"strings"
)

// ReID is the figures of re-identification: is a thing found again by another camera?
// Gallery rows of a query's label that were taken by its own camera are neither right nor
// wrong: they are taken out of its ranking. Rows of other labels stay, whatever their
// camera. With ρ₁ < ρ₂ < … the ranks of the R relevant rows that remain:
//
//	CMC@K  1 if ρ₁ ≤ K, else 0
//	mAP    1/R · Σ i/ρᵢ
//
// each averaged over the queries with R > 0; rows at exactly the same distance count as
// in [Retrieval]. CMC is the cumulative matching characteristic.
//
// L. Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015 (Market-1501).
// The mAP is the plain average precision, which torchreid and FastReID print; the MATLAB
// code of the paper takes the mean of two neighbouring precisions (the trapezoid rule),
// which gives slightly less. Detections of nobody (label −1 in Market-1501) must be left
// out of the gallery beforehand; distractors (label 0) are rows like any others.
type ReID struct {
	At      []int     // the K of each entry of CMC
	CMC     []float64 // CMC@K
	MAP     float64
	Queries int // with a relevant row of another camera
	LeftOut int // without one; they count in no figure
}

const (
	cmcName    = "cmc_at_"
	cmcMAPName = "cmc_map"
)

// values is none where there was nothing to measure.
func (r *ReID) values() []Value {
	if r == nil || r.Queries == 0 {
		return nil
	}
	var v []Value
	for i, k := range r.At {
		v = append(v, Value{cmcName + strconv.Itoa(k), r.CMC[i]})
	}
	return append(v, Value{cmcMAPName, r.MAP})
}

// set reads one named figure if the name is one of these.
func (r *ReID) set(name string, raw json.RawMessage) (known bool, err error) {
	if name == cmcMAPName {
		return true, json.Unmarshal(raw, &r.MAP)
	}
	at, known := strings.CutPrefix(name, cmcName)
	if !known {
		return false, nil
	}
	k, err := strconv.Atoi(at)
	if err != nil {
		return true, err
	}
	r.At, r.CMC = append(r.At, k), append(r.CMC, 0)
	return true, json.Unmarshal(raw, &r.CMC[len(r.CMC)-1])
}

// reidSum gathers the figures of one query after another; nil without cameras.
type reidSum struct {
	ReID
	valid []tier
}

func newReID(m matching, o Options) *reidSum {
	if m.query.Cameras == nil {
		return nil
	}
	return &reidSum{ReID: ReID{At: o.CMCAt, CMC: make([]float64, len(o.CMCAt))}}
}

// add takes in a query with the tiers of its relevant rows.
func (s *reidSum) add(ranking []tier) {
	if s == nil {
		return
	}
	s.valid = s.valid[:0]
	junk := int32(0)
	for _, t := range ranking {
		if t.relevant > t.junk {
			s.valid = append(s.valid, tier{before: t.before - junk, rows: t.rows - t.junk, relevant: t.relevant - t.junk})
		}
		junk += t.junk
	}
	if len(s.valid) == 0 {
		s.LeftOut++
		return
	}
	s.Queries++
	for i, k := range s.At {
		s.CMC[i] += s.valid[0].hitWithin(k)
	}
	last := s.valid[len(s.valid)-1]
	found, sum := 0, 0.0
	for _, t := range s.valid {
		sum += t.precisions(found, int(last.before+last.rows))
		found += int(t.relevant)
	}
	s.MAP += sum / float64(found)
}

func (s *reidSum) mean() *ReID {
	if s == nil {
		return nil
	}
	if s.Queries > 0 {
		for i := range s.CMC {
			s.CMC[i] /= float64(s.Queries)
		}
		s.MAP /= float64(s.Queries)
	}
	return &s.ReID
}
