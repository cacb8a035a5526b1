package metrics

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/needs"
)

// Pair is two rows of a Set of which a list says whether they are of one class.
type Pair struct {
	A, B int
	Same bool
	Fold int // part of the cross-validation that the pair belongs to
}

// PairVerification is what a threshold gives on the pairs of a list, as face verification
// is published: all that Verification tells, of these pairs, and the accuracy in
// cross-validation. A pair counts as same if its distance is less than the threshold.
//
//	Accuracy       μ = 1/n · Σ pᵢ over the n folds, pᵢ the share of the pairs of fold i
//	               that the threshold of the other folds judges rightly
//	StandardError  of that mean: √(Σ (pᵢ − μ)² / (n − 1)) / √n
//
// The threshold of the other folds is one that judges most of their pairs rightly. Where
// several distances do, it is the middle of the widest interval without a pair, and of
// equally wide ones of the nearest.
//
// G. B. Huang, M. Ramesh, T. Berg and E. Learned-Miller, "Labeled Faces in the Wild: A
// Database for Studying Face Recognition in Unconstrained Environments", 2007, section 4
// (View 2). Evaluators that try thresholds of a grid, such as 0, 0.01, … 4, differ in the
// last digits.
type PairVerification struct {
	Verification
	Folds         []FoldAccuracy `json:"folds"`          // by number
	Accuracy      float64        `json:"accuracy"`       // 0 of fewer than two folds, which leave no others to choose a threshold on
	StandardError float64        `json:"standard_error"` // 0 of fewer than two folds
}

// FoldAccuracy is a fold of the cross-validation.
type FoldAccuracy struct {
	Fold      int     `json:"fold"`
	Pairs     int     `json:"pairs"`
	Threshold float64 `json:"threshold"` // of the other folds; 0 if there are none
	Accuracy  float64 `json:"accuracy"`  // at that threshold
}

// CrossValidated reports whether there are two folds or more, and so an accuracy.
func (v PairVerification) CrossValidated() bool { return len(v.Folds) > 1 }

// VerifyPairs measures thresholds on the pairs of a list, all of them: MaxGenuine, MaxRows
// and Seed of o mean nothing here. What the list says of a pair counts, not the labels of s,
// which may be nil. Then Classes is 0.
func VerifyPairs(ctx context.Context, s Set, pairs []Pair, o VerifyOptions) (PairVerification, error) {
	if err := needs.Context("metrics", ctx); err != nil {
		return PairVerification{}, err
	}
	if err := o.check(); err != nil {
		return PairVerification{}, err
	}
	if err := s.check("set"); err != nil {
		return PairVerification{}, err
	}
	if o.FAR == nil {
		o.FAR = defaultFAR
	}
	judged, err := judge(ctx, s, pairs, o.Distance)
	if err != nil {
		return PairVerification{}, err
	}
	r := PairVerification{Folds: crossValidate(judged)}
	if r.CrossValidated() {
		r.Accuracy, r.StandardError = meanOfFolds(r.Folds)
	}
	r.Verification = Verification{Distance: o.Distance, Classes: s.classesPaired(pairs)}
	v := &verifier{o: o, result: &r.Verification, rows: s.Len(), inside: map[int][]float64{}}
	v.takePairs(judged)
	return r, v.conclude(ctx)
}

// judgedPair is a pair with its distance.
type judgedPair struct {
	distance float64
	same     bool
	fold     int
}

// judge measures the distance of each pair, and returns them by rising distance.
func judge(ctx context.Context, s Set, pairs []Pair, distance Distance) ([]judgedPair, error) {
	scan := newScanner(matching{query: s, gallery: s, own: true}, distance, block{1, 1})
	judged := make([]judgedPair, len(pairs))
	same := 0
	for i, p := range pairs {
		if p.A < 0 || p.A >= s.Len() || p.B < 0 || p.B >= s.Len() {
			return nil, errors.Errorf("metrics: verification: pair %d is of rows %d and %d, want rows 0 … %d", i, p.A, p.B, s.Len()-1)
		}
		if i%pairsBetweenLooks == 0 && ctx.Err() != nil {
			return nil, errors.Wrapf(ctx.Err(), "metrics: verification stopped at pair %d of %d", i, len(pairs))
		}
		judged[i] = judgedPair{scan.distance.fromKey(scan.key(p.A, p.B)), p.Same, p.Fold}
		if p.Same {
			same++
		}
	}
	if same == 0 || same == len(pairs) {
		return nil, errors.Errorf("metrics: verification: of %d pairs %d are the same; thresholds need both, pairs that are and pairs that are not", len(pairs), same)
	}
	slices.SortFunc(judged, func(a, b judgedPair) int { return cmp.Compare(a.distance, b.distance) })
	return judged, nil
}

// pairsBetweenLooks is how many pairs are measured between two looks at the context.
const pairsBetweenLooks = 1 << 12

// classesPaired is the number of classes of which a pair is the same.
func (s Set) classesPaired(pairs []Pair) int {
	if len(s.Labels) != s.Len() {
		return 0
	}
	seen := make(map[int]bool)
	for _, p := range pairs {
		if p.Same && s.Labels[p.A] >= 0 {
			seen[s.Labels[p.A]] = true
		}
	}
	return len(seen)
}

// takePairs makes every distance an edge, so that nothing lies between two edges and all
// that follows is exact.
func (v *verifier) takePairs(judged []judgedPair) {
	var impostors []float64
	for _, p := range judged {
		if p.same {
			v.genuine = append(v.genuine, p.distance)
		} else {
			impostors = append(impostors, p.distance)
		}
		v.edges = append(v.edges, p.distance)
	}
	v.edges = append(v.edges, v.o.At...)
	slices.Sort(v.edges)
	v.edges = slices.Compact(v.edges)
	v.count = make([]int64, 2*len(v.edges)+1)
	for _, d := range impostors {
		v.count[v.place(d)]++
	}
	r := v.result
	r.Genuine, r.AllGenuine = int64(len(v.genuine)), int64(len(v.genuine))
	v.sumBelow()
	r.AllImpostor = r.Impostor
}

// crossValidate judges the pairs of each fold by the threshold of the others. The pairs come
// by rising distance.
func crossValidate(judged []judgedPair) []FoldAccuracy {
	sizes := make(map[int]int)
	for _, p := range judged {
		sizes[p.fold]++
	}
	var folds []FoldAccuracy
	for fold, size := range sizes {
		f := FoldAccuracy{Fold: fold, Pairs: size}
		if len(sizes) > 1 {
			f.Threshold = bestThreshold(judged, fold)
			f.Accuracy = float64(rightlyJudged(judged, fold, f.Threshold)) / float64(size)
		}
		folds = append(folds, f)
	}
	slices.SortFunc(folds, func(a, b FoldAccuracy) int { return cmp.Compare(a.Fold, b.Fold) })
	return folds
}

// bestThreshold is the threshold of all pairs but those of a fold.
func bestThreshold(judged []judgedPair, without int) float64 {
	others := make([]judgedPair, 0, len(judged))
	for _, p := range judged {
		if p.fold != without {
			others = append(others, p)
		}
	}
	right := 0 // if the pairs so far are accepted, less those of two classes among all
	best, width, threshold := 0, 0.0, others[0].distance
	for i, p := range others {
		if p.same {
			right++
		} else {
			right--
		}
		last := i == len(others)-1
		if !last && others[i+1].distance == p.distance {
			continue
		}
		gap, t := 0.0, math.Nextafter(p.distance, math.Inf(1))
		if !last {
			gap, t = others[i+1].distance-p.distance, between(p.distance, others[i+1].distance)
		}
		if right > best || right == best && gap > width {
			best, width, threshold = right, gap, t
		}
	}
	return threshold
}

// rightlyJudged counts the pairs of a fold that a threshold judges as the list does.
func rightlyJudged(judged []judgedPair, fold int, threshold float64) (n int) {
	for _, p := range judged {
		if p.fold == fold && (p.distance < threshold) == p.same {
			n++
		}
	}
	return n
}

// meanOfFolds is the mean accuracy and its standard error.
func meanOfFolds(folds []FoldAccuracy) (mean, standardError float64) {
	n := float64(len(folds))
	for _, f := range folds {
		mean += f.Accuracy / n
	}
	squares := 0.0
	for _, f := range folds {
		squares += (f.Accuracy - mean) * (f.Accuracy - mean)
	}
	return mean, math.Sqrt(squares/(n-1)) / math.Sqrt(n)
}
