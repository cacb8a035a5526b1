package metrics

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/needs"
)

// VerifyOptions says how Verify measures. The zero value is the Euclidean distance at
// false accept rates of 0.1, 0.01, 0.001 and 0.0001.
type VerifyOptions struct {
	Distance Distance  // Euclidean if zero; of rows of length 1 it orders as Cosine does, cos = 1 − d²/2
	FAR      []float64 // false accept rates that thresholds are asked for, each between 0 and 1
	At       []float64 // thresholds to measure besides, such as those that another set gave

	// Above these many pairs of one class, or rows to make pairs of two classes from, a
	// sample is measured: 4,194,304 and 16,384 if zero.
	MaxGenuine, MaxRows int
	Seed                uint64 // of samples

	// Resamples, if not zero, is how often the classes are drawn anew, with replacement, to tell how far
	// each figure is to be trusted: 1,000 is usual. B. Efron, "Bootstrap Methods: Another Look at the
	// Jackknife", Annals of Statistics 7, 1979; by whole classes, R. M. Bolle, N. K. Ratha and
	// S. Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap", CVIU 93, 2004.
	Resamples int
}

// Verification says how well a threshold on the distance tells whether two pictures are
// of one class. A pair of one class is genuine, one of two classes an impostor; a pair is
// accepted, taken for genuine, if its distance is less than the threshold t:
//
//	TAR(t)  share of the genuine pairs nearer than t (true accept rate)
//	FAR(t)  share of the impostor pairs nearer than t (false accept rate)
//
// The equal error rate is FAR = 1 − TAR where the lines between the points of the ROC,
// (FAR, TAR) for all t, cross it; AUC is the area below these lines, which is the chance
// that a genuine pair is nearer than an impostor, equal distances counting half. All are
// exact, but that beyond 4,096 genuine pairs the area is taken between as many of them,
// spread evenly, which cannot be off by more than 0.00013.
//
// ISO/IEC 19795-1, "Biometric performance testing and reporting"; T. Fawcett, "An
// introduction to ROC analysis", Pattern Recognition Letters 27, 2006.
type Verification struct {
	Distance    Distance `json:"distance"`
	Genuine     int64    `json:"genuine_pairs"`  // that were measured
	Impostor    int64    `json:"impostor_pairs"` // that were measured
	AllGenuine  int64    `json:"genuine_pairs_in_all"`
	AllImpostor int64    `json:"impostor_pairs_in_all"`
	// Classes with a genuine pair. Pairs that share a picture or a class are not
	// independent: it is the classes, not the pairs, that say how far to trust a rate.
	Classes int `json:"classes"`

	EER        float64   `json:"eer"`
	EERBetween *Interval `json:"eer_between,omitempty"` // with VerifyOptions.Resamples
	// EERThreshold is the largest one with FAR ≤ EER. If EER is 0, each threshold between
	// the farthest genuine and the nearest impostor pair makes no error: it is their middle.
	EERThreshold float64 `json:"eer_threshold"`
	AUC          float64 `json:"auc"`

	AtFAR []OperatingPoint `json:"at_far"` // for each rate of Options.FAR that the pairs can tell
	// TooFine are the rates asked for that would rest on fewer than ten impostor pairs.
	TooFine []float64        `json:"too_fine_far,omitempty"`
	At      []OperatingPoint `json:"at,omitempty"`    // for each threshold of Options.At
	Curve   []OperatingPoint `json:"curve,omitempty"` // points of the ROC to draw, FAR rising, about 40 a power of ten
}

// OperatingPoint is what a threshold gives.
type OperatingPoint struct {
	AskedFAR  float64 `json:"asked_far,omitempty"` // false accept rate that Threshold was chosen for, if it was
	Threshold float64 `json:"threshold"`           // the largest with FAR ≤ AskedFAR: a distance of impostors
	FAR       float64 `json:"far"`
	TAR       float64 `json:"tar"`
	// Between is how far to trust the point, with VerifyOptions.Resamples.
	Between *OperatingInterval `json:"between,omitempty"`
}

// Sampled reports whether not all pairs were measured.
func (v Verification) Sampled() bool { return v.Genuine < v.AllGenuine || v.Impostor < v.AllImpostor }

var defaultFAR = []float64{0.1, 0.01, 0.001, 0.0001}

const (
	maxGenuine = 1 << 22
	maxVerify  = 1 << 14
	leastPairs = 10 // that a false accept rate must rest on

	genuineEdges  = 1 << 12
	impostorEdges = 1 << 9
	edgeDraws     = 1 << 16 // impostor pairs that the impostor edges are chosen from
	gapBuckets    = 1 << 15
	curveDensity  = 40 // points of the curve a power of ten
)

// Verify measures thresholds on all pairs of two rows of s: exactly, as a plain loop
// with distances in float64 would.
func Verify(ctx context.Context, s Set, o VerifyOptions) (Verification, error) {
	if err := needs.Context("metrics", ctx); err != nil {
		return Verification{}, err
	}
	if err := o.check(); err != nil {
		return Verification{}, err
	}
	if err := s.check("set"); err != nil {
		return Verification{}, err
	}
	if err := s.checkLabels("set"); err != nil {
		return Verification{}, err
	}
	if o.FAR == nil {
		o.FAR = defaultFAR
	}
	r := Verification{Distance: o.Distance}
	for _, rows := range newClasses(s.Labels) {
		if n := int64(len(rows)); n > 1 {
			r.Classes++
			r.AllGenuine += n * (n - 1) / 2
		}
	}
	n := int64(s.Len())
	r.AllImpostor = n*(n-1)/2 - r.AllGenuine
	switch {
	case r.AllGenuine == 0:
		return Verification{}, errors.New("metrics: verification: no two rows are of one class; thresholds need pairs of one class and of two")
	case r.AllImpostor == 0:
		return Verification{}, errors.New("metrics: verification: all rows are of one class; thresholds need pairs of one class and of two")
	}
	v := &verifier{o: o, result: &r, rows: s.Len(), inside: map[int][]float64{}}
	v.genuine = v.genuineDistances(s, newRand(o.Seed, 1))
	v.prepare(s.sample(cmp.Or(o.MaxRows, maxVerify), newRand(o.Seed, 2)), newRand(o.Seed, 3))
	if err := v.countImpostors(ctx); err != nil {
		return Verification{}, err
	}
	if err := v.conclude(ctx); err != nil {
		return Verification{}, err
	}
	if o.Resamples > 0 {
		if err := v.intervals(ctx, s.Labels); err != nil {
			return Verification{}, err
		}
	}
	return r, nil
}

func newRand(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

func (o VerifyOptions) check() error {
	if err := o.Distance.check(); err != nil {
		return err
	}
	for _, f := range o.FAR {
		if !(f > 0 && f < 1) {
			return errors.Errorf("metrics: verification: a false accept rate of %v; it lies between 0 and 1", f)
		}
	}
	for _, t := range o.At {
		if t-t != 0 {
			return errors.Errorf("metrics: verification: a threshold of %v", t)
		}
	}
	if o.Resamples < 0 || o.Resamples > 1_000_000 {
		return errors.Errorf("metrics: verification: %d resamples; take 1,000, or 0 for no intervals", o.Resamples)
	}
	if o.MaxGenuine < 0 || o.MaxRows < 0 || o.MaxRows == 1 {
		return errors.Errorf("metrics: verification: MaxGenuine %d, MaxRows %d; give 0 for the defaults, or at least 1 and 2", o.MaxGenuine, o.MaxRows)
	}
	return nil
}

// sample is s, or so many rows of it, drawn at random and kept in order.
func (s Set) sample(most int, rng *rand.Rand) Set {
	if s.Len() <= most {
		return s
	}
	rows := rng.Perm(s.Len())[:most]
	slices.Sort(rows)
	out := Set{Dim: s.Dim, Embeddings: make([]float32, 0, most*s.Dim), Labels: make([]int, most)}
	for k, i := range rows {
		out.Embeddings = append(out.Embeddings, s.Row(i)...)
		out.Labels[k] = s.Labels[i]
	}
	return out
}

// verifier counts impostor pairs between edges: distances of some genuine and impostor
// pairs, spread evenly over all, and the thresholds asked for. Counting needs the exact
// distance only of a pair within the error bound of an edge. Where a rate depends on what
// lies between two edges, a second pass gathers the exact distances there.
type verifier struct {
	o       VerifyOptions
	result  *Verification
	rows    int       // of the whole set
	genuine []float64 // distances, rising
	// genuineOf is the label of each, with VerifyOptions.Resamples
	genuineOf []int

	scan  *scanner
	shift []float32 // added to the tile values of a query: ‖a‖² for Euclidean
	edges []float64 // different distances, rising
	gaps
	count  []int64           // 2k: impostors in the gap before edge k; 2k+1: at edge k; last: behind all
	below  []int64           // impostors nearer than an edge, then all
	inside map[int][]float64 // distances of the impostors in a gap, rising, as far as gathered
}

// genuineDistances measures the pairs of each class. If there are too many pairs, it leaves out rows, of
// larger classes more.
func (v *verifier) genuineDistances(s Set, rng *rand.Rand) []float64 {
	share := 1.0
	if most := int64(cmp.Or(v.o.MaxGenuine, maxGenuine)); v.result.AllGenuine > most {
		share = math.Sqrt(float64(most) / float64(v.result.AllGenuine))
	}
	type stretch struct{ rows, at int } // row a of a class meets those behind it
	var all [][]int32
	var stretches []stretch
	byClass, pairs := newClasses(s.Labels), 0
	var offsets []int
	for _, label := range sortedLabels(byClass) {
		rows := byClass[label]
		if share < 1 && len(rows) > 2 {
			rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
			rows = rows[:max(2, int(share*float64(len(rows))))]
		}
		for a := range len(rows) - 1 {
			stretches, offsets = append(stretches, stretch{len(all), a}), append(offsets, pairs)
			pairs += len(rows) - 1 - a
		}
		all = append(all, rows)
	}
	m := matching{query: s, gallery: s, own: true}
	scan := newScanner(m, v.o.Distance, block{1, 1})
	distances := make([]float64, pairs)
	loops.Parallel(len(stretches), 16, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			rows, a := all[stretches[k].rows], stretches[k].at
			for b, j := range rows[a+1:] {
				distances[offsets[k]+b] = scan.distance.fromKey(scan.key(int(rows[a]), int(j)))
			}
		}
	})
	if v.o.Resamples > 0 {
		v.genuineOf = make([]int, 0, pairs)
		for _, st := range stretches {
			for range all[st.rows][st.at+1:] {
				v.genuineOf = append(v.genuineOf, s.Labels[all[st.rows][0]])
			}
		}
		sort.Sort(byDistance{distances, v.genuineOf})
	} else {
		slices.Sort(distances)
	}
	v.result.Genuine = int64(pairs)
	return distances
}

// byDistance sorts distances with their labels.
type byDistance struct {
	distances []float64
	labels    []int
}

func (b byDistance) Len() int { return len(b.distances) }

func (b byDistance) Less(i, j int) bool {
	return b.distances[i] < b.distances[j] || b.distances[i] == b.distances[j] && b.labels[i] < b.labels[j]
}

func (b byDistance) Swap(i, j int) {
	b.distances[i], b.distances[j] = b.distances[j], b.distances[i]
	b.labels[i], b.labels[j] = b.labels[j], b.labels[i]
}

func sortedLabels(c classes) []int {
	labels := make([]int, 0, len(c))
	for l := range c {
		labels = append(labels, l)
	}
	slices.Sort(labels)
	return labels
}

// prepare makes the edges and their windows for pairs among the rows of s.
func (v *verifier) prepare(s Set, rng *rand.Rand) {
	v.scan = newScanner(matching{query: s, gallery: s, own: true}, v.o.Distance, rankBlock)
	v.scan.upper = true
	v.shift = make([]float32, s.Len())
	if v.o.Distance == Euclidean {
		for i, n := range v.scan.q.norm {
			v.shift[i] = float32(n * n)
		}
	}
	var impostors []float64
	for range edgeDraws {
		if i, j := rng.IntN(s.Len()), rng.IntN(s.Len()); s.Labels[i] != s.Labels[j] {
			impostors = append(impostors, v.distance(min(i, j), max(i, j)))
		}
	}
	slices.Sort(impostors)
	v.edges = append(spread(v.genuine, genuineEdges), spread(impostors, impostorEdges)...)
	v.edges = append(v.edges, v.o.At...)
	slices.Sort(v.edges)
	v.edges = slices.Compact(v.edges)
	v.reserve(len(v.edges))
	for k, d := range v.edges {
		v.lo[k], v.hi[k] = v.window(d)
	}
	v.fill(gapBuckets)
	v.count = make([]int64, 2*len(v.edges)+1)
}

// spread is at most so many elements of a sorted list, evenly, its ends included.
func spread(list []float64, most int) []float64 {
	if len(list) <= most {
		return slices.Clone(list)
	}
	out := make([]float64, most)
	for k := range out {
		out[k] = list[k*(len(list)-1)/(most-1)]
	}
	return out
}

func (v *verifier) distance(i, j int) float64 { return v.o.Distance.fromKey(v.scan.key(i, j)) }

// window is the range of tile values, shift added, that a pair at distance d can have.
// To the scan's bound for the largest norms come the rounding of the shift and of the
// sum, and that several keys may round to one distance.
func (v *verifier) window(d float64) (lo, hi float32) {
	key, norm := v.o.Distance.toKey(d), v.scan.g.largest
	bound := v.o.Distance.keyError(v.scan.query.Dim, norm, norm) + 0x1p-50*(1+math.Abs(key))
	if v.o.Distance == Euclidean {
		bound += slack * unit * (norm*norm + 2*(2*norm)*(2*norm))
	}
	return down(key - bound), up(key + bound)
}

// toKey is the key of a distance, but for rounding. Nothing is nearer than 0, and so below
// it is the key of a threshold.
func (d Distance) toKey(distance float64) float64 {
	switch d {
	case Euclidean:
		return distance * math.Abs(distance)
	case Cosine:
		return distance - 1
	default:
		return distance
	}
}

// impostors calls use for the impostor pairs of a query and a stretch of rows, with
// their tile values.
func (v *verifier) impostors(query, first int, values, bias []float32, use func(row int, value float32)) {
	labels, label := v.scan.query.Labels[first:first+len(values)], v.scan.query.Labels[query]
	shift := v.shift[query]
	for j := max(0, query+1-first); j < len(values); j++ {
		if labels[j] != label {
			use(first+j, values[j]+bias[j]+shift)
		}
	}
}

func (v *verifier) countImpostors(ctx context.Context) error {
	nothing := func(int, int) {}
	err := v.scan.run(ctx, nothing, nothing, func(query, first int, values, bias []float32) {
		place, run := 0, int64(0) // equal places one after another are added at once
		v.impostors(query, first, values, bias, func(row int, value float32) {
			gap, certain := v.find(value)
			at := 2 * gap
			if !certain {
				at = v.place(v.distance(query, row))
			}
			if at != place {
				atomic.AddInt64(&v.count[place], run)
				place, run = at, 0
			}
			run++
		})
		atomic.AddInt64(&v.count[place], run)
	})
	if err != nil {
		return err
	}
	if v.sumBelow(); v.result.Impostor == 0 {
		return errors.Errorf("metrics: verification: no pair of two classes among %d rows drawn of %d; raise MaxRows", v.scan.query.Len(), v.rows)
	}
	return nil
}

// sumBelow makes below, and the number of all impostors, of count.
func (v *verifier) sumBelow() {
	v.below = make([]int64, len(v.edges)+1)
	total := int64(0)
	for k := range v.below {
		total += v.count[2*k]
		v.below[k] = total
		if k < len(v.edges) {
			total += v.count[2*k+1]
		}
	}
	v.result.Impostor = total
}

// place is the index in count of a distance.
func (v *verifier) place(d float64) int {
	k, equal := slices.BinarySearch(v.edges, d)
	if equal {
		return 2*k + 1
	}
	return 2 * k
}

// conclude turns the counts into rates.
func (v *verifier) conclude(ctx context.Context) error {
	r := v.result
	gaps := []int{v.curve()}
	var ranks []int64
	for _, f := range v.o.FAR {
		if float64(r.Impostor) < leastPairs/f*(1-hair) {
			r.TooFine = append(r.TooFine, f)
			continue
		}
		r.AtFAR = append(r.AtFAR, OperatingPoint{AskedFAR: f})
		rank := rankBelow(f, r.Impostor)
		gap, _ := v.gapOf(rank)
		ranks, gaps = append(ranks, rank), append(gaps, gap)
	}
	if err := v.gather(ctx, gaps...); err != nil {
		return err
	}
	r.EER = v.equalErrorRate(gaps[0])
	equal := rankBelow(r.EER, r.Impostor)
	gap, _ := v.gapOf(equal)
	if err := v.gather(ctx, gap); err != nil { // known already but at the border of two gaps
		return err
	}
	r.EERThreshold, _ = v.impostor(equal)
	if r.EER == 0 {
		r.EERThreshold = between(v.genuine[len(v.genuine)-1], r.EERThreshold)
	}
	for i, rank := range ranks {
		t, nearer := v.impostor(rank)
		r.AtFAR[i].Threshold, r.AtFAR[i].FAR, r.AtFAR[i].TAR = t, float64(nearer)/float64(r.Impostor), v.tar(t)
	}
	for _, t := range v.o.At {
		k, _ := slices.BinarySearch(v.edges, t)
		r.At = append(r.At, v.point(k))
	}
	return nil
}

// between is the middle of a and b, a < b, or b where no number lies between them: a is
// below it.
func between(a, b float64) float64 {
	if m := a + (b-a)/2; m > a {
		return m
	}
	return b
}

// hair is how far below a whole number a product may be and still count as that number: rounding.
const hair = 1e-12

// rankBelow is the rank, from 0, of the nearest impostor that may not be accepted at a
// false accept rate.
func rankBelow(far float64, impostors int64) int64 {
	return min(int64(far*float64(impostors)*(1+hair)), impostors-1)
}

// tar is the share of genuine pairs nearer than t.
func (v *verifier) tar(t float64) float64 {
	return float64(v.genuineBelow(t)) / float64(len(v.genuine))
}

// point is what edge k gives as a threshold.
func (v *verifier) point(k int) OperatingPoint {
	return OperatingPoint{Threshold: v.edges[k], FAR: float64(v.below[k]) / float64(v.result.Impostor), TAR: v.tar(v.edges[k])}
}

// genuineBelow is the number of genuine pairs nearer than t.
func (v *verifier) genuineBelow(t float64) int {
	n, _ := slices.BinarySearch(v.genuine, t)
	return n
}

// curve goes along the ROC from edge to edge, first what lies between them, then what
// lies at the edge, for the area and the points to draw. It returns the gap before or at
// whose edge FAR = 1 − TAR is crossed.
func (v *verifier) curve() (crossing int) {
	crossing = len(v.edges)
	last := math.Inf(-1) // logarithm of the false accept rate of the curve's last point
	var w walk
	for k := range v.edges {
		p := v.point(k)
		w.to(p.FAR, p.TAR)
		if l := math.Log10(p.FAR); p.FAR > 0 && (l-last >= 1./curveDensity || k == len(v.edges)-1) {
			last = l
			v.result.Curve = append(v.result.Curve, p)
		}
		w.to(v.upTo(k))
		if w.pastEER {
			crossing = min(crossing, k)
		}
	}
	w.to(1, 1)
	v.result.AUC = w.area
	return crossing
}

// upTo is the share of impostors and of genuine pairs not farther than edge k; nothing
// before the first edge.
func (v *verifier) upTo(k int) (far, tar float64) {
	if k < 0 {
		return 0, 0
	}
	farther := v.genuineBelow(math.Nextafter(v.edges[k], math.Inf(1)))
	return float64(v.below[k]+v.count[2*k+1]) / float64(v.result.Impostor), float64(farther) / float64(len(v.genuine))
}

// equalErrorRate goes through the gap and over the edge at its end, pair by pair.
func (v *verifier) equalErrorRate(gap int) float64 {
	var w walk
	w.to(v.upTo(gap - 1))
	end := math.Inf(1)
	if gap < len(v.edges) {
		end = v.edges[gap]
	}
	list := v.inside[gap]
	before := v.below[gap] - int64(len(list))
	impostor, genuine := 0, 0
	if gap > 0 {
		genuine = v.genuineBelow(math.Nextafter(v.edges[gap-1], math.Inf(1)))
	}
	for !w.pastEER {
		next := end
		if impostor < len(list) {
			next = min(next, list[impostor])
		}
		if genuine < len(v.genuine) {
			next = min(next, v.genuine[genuine])
		}
		if next >= end {
			break
		}
		for impostor < len(list) && list[impostor] == next {
			impostor++
		}
		for genuine < len(v.genuine) && v.genuine[genuine] == next {
			genuine++
		}
		w.to(float64(before+int64(impostor))/float64(v.result.Impostor), float64(genuine)/float64(len(v.genuine)))
	}
	if !w.pastEER && gap < len(v.edges) {
		w.to(v.upTo(gap))
	}
	return w.eer
}

// walk follows the ROC from (0, 0) in straight lines.
type walk struct {
	far, tar float64
	area     float64
	pastEER  bool // FAR = 1 − TAR lies behind
	eer      float64
}

func (w *walk) to(far, tar float64) {
	w.area += (far - w.far) * (tar + w.tar) / 2
	if h0, h1 := w.far+w.tar-1, far+tar-1; !w.pastEER && h1 >= 0 {
		w.pastEER, w.eer = true, w.far
		if h1 > h0 {
			w.eer += (far - w.far) * max(0, -h0) / (h1 - h0)
		}
	}
	w.far, w.tar = far, tar
}

// gapOf is where the impostor pair of a rank lies, the nearest having rank 0: in a gap,
// or at its edge.
func (v *verifier) gapOf(rank int64) (gap int, atEdge bool) {
	k := sort.Search(len(v.below), func(k int) bool { return v.below[k] > rank })
	if k > 0 && rank < v.below[k-1]+v.count[2*k-1] {
		return k - 1, true
	}
	return k, false
}

// impostor is the distance of the impostor pair of a rank, in a gap that was gathered,
// and the number of those nearer.
func (v *verifier) impostor(rank int64) (distance float64, nearer int64) {
	gap, atEdge := v.gapOf(rank)
	if atEdge {
		return v.edges[gap], v.below[gap]
	}
	list := v.inside[gap]
	before := v.below[gap] - int64(len(list))
	distance = list[rank-before]
	first, _ := slices.BinarySearch(list, distance)
	return distance, before + int64(first)
}

// gather makes the exact distances within the gaps known.
func (v *verifier) gather(ctx context.Context, gaps ...int) error {
	type span struct {
		gap    int
		lo, hi float32
	}
	var spans []span
	for _, gap := range gaps {
		if _, known := v.inside[gap]; known {
			continue
		}
		v.inside[gap] = make([]float64, 0, v.count[2*gap])
		if v.count[2*gap] == 0 {
			continue
		}
		s := span{gap, float32(math.Inf(-1)), v.hi[gap]}
		if gap > 0 {
			s.lo = v.lo[gap-1]
		}
		spans = append(spans, s)
	}
	if len(spans) == 0 {
		return nil
	}
	var lock sync.Mutex
	nothing := func(int, int) {}
	err := v.scan.run(ctx, nothing, nothing, func(query, first int, values, bias []float32) {
		v.impostors(query, first, values, bias, func(row int, value float32) {
			for _, s := range spans {
				if value < s.lo || value > s.hi {
					continue // a NaN goes on to the exact distance
				}
				if d := v.distance(query, row); v.place(d) == 2*s.gap {
					lock.Lock()
					v.inside[s.gap] = append(v.inside[s.gap], d)
					lock.Unlock()
				}
			}
		})
	})
	for _, s := range spans {
		slices.Sort(v.inside[s.gap])
	}
	return err
}
