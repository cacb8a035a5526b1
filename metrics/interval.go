package metrics

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"medusa/internal/cpu/loops"
)

// Interval holds 95 of 100 resamples.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// OperatingInterval says how far to trust an operating point.
type OperatingInterval struct {
	Threshold *Interval `json:"threshold,omitempty"` // that a resample chooses for the same AskedFAR; nil where none was asked for
	FAR       Interval  `json:"far"`                 // at the point's own threshold
	TAR       Interval  `json:"tar"`
}

// The bootstrap draws classes with replacement, as many as there are, since pairs that share a class
// are not independent. A pair of two classes counts as often as the product of how often each was
// drawn, a pair of one class as often as that was. So it needs only a list of pairs, which is made once:
// those of the nearest impostors all, and of others the fewer the more there are, each standing for
// those left out.
const (
	bootstrapNearest = 20_000  // impostor pairs that are kept all, and so many more for each e-fold beyond
	bootstrapGenuine = 200_000 // genuine pairs that are kept, evenly
	within           = 0.95    // share of resamples in an interval
)

// weighedPair is a pair of classes that stands for so many.
type weighedPair struct {
	distance float64
	a, b     int32 // equal for a genuine pair
	weight   float64
}

// bootstrap makes the intervals.
type bootstrap struct {
	v                 *verifier
	class             map[int]int32 // label → number
	rows              []float64     // of each class among those that impostor pairs are made of
	impostor, genuine []weighedPair // by distance

	// Of each operating point, in rising order: how many pairs of these lists are accepted.
	impostorsBelow, genuineBelow []accepted
	asked                        []askedRate // rates that thresholds were asked for, in rising order
}

type accepted struct{ pairs, point int }

type askedRate struct {
	far   float64
	point int
}

// mark finds the places of the operating points in the lists.
func (b *bootstrap) mark() {
	below := func(list []weighedPair) (marks []accepted) {
		for k, p := range b.points() {
			n, _ := slices.BinarySearchFunc(list, p.Threshold, func(x weighedPair, t float64) int { return cmp.Compare(x.distance, t) })
			marks = append(marks, accepted{n, k})
		}
		slices.SortFunc(marks, func(x, y accepted) int { return cmp.Compare(x.pairs, y.pairs) })
		return marks
	}
	b.impostorsBelow, b.genuineBelow = below(b.impostor), below(b.genuine)
	for k, p := range b.points() {
		if p.AskedFAR > 0 {
			b.asked = append(b.asked, askedRate{p.AskedFAR, k})
		}
	}
	slices.SortFunc(b.asked, func(x, y askedRate) int { return cmp.Compare(x.far, y.far) })
}

// intervals fills in how far to trust the result.
func (v *verifier) intervals(ctx context.Context, labels []int) error {
	b := &bootstrap{v: v, class: map[int]int32{}}
	for _, label := range sortedLabels(newClasses(labels)) {
		b.class[label] = int32(len(b.class))
	}
	b.rows = make([]float64, len(b.class))
	for _, label := range v.scan.query.Labels {
		b.rows[b.class[label]]++
	}
	step := max(1, (len(v.genuine)+bootstrapGenuine-1)/bootstrapGenuine)
	for k := step / 2; k < len(v.genuine); k += step {
		c := b.class[v.genuineOf[k]]
		b.genuine = append(b.genuine, weighedPair{v.genuine[k], c, c, 1})
	}
	if err := b.gatherImpostors(ctx); err != nil {
		return err
	}
	b.mark()
	n := v.o.Resamples
	drawn := make([]resample, n)
	loops.Parallel(n, 1, func(lo, hi int) {
		for k := lo; k < hi && ctx.Err() == nil; k++ {
			drawn[k] = b.resample(newRand(v.o.Seed, uint64(1_000+k)))
		}
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	drawn = slices.DeleteFunc(drawn, func(r resample) bool { return r.empty })
	if len(drawn) == 0 {
		return nil // two classes, of which one has no genuine pair: nothing to tell
	}
	middle := func(of func(r resample) float64) Interval {
		values := make([]float64, len(drawn))
		for k, r := range drawn {
			values[k] = of(r)
		}
		slices.Sort(values)
		out := int((1 - within) / 2 * float64(len(values)))
		return Interval{values[out], values[len(values)-1-out]}
	}
	eer := middle(func(r resample) float64 { return r.eer })
	v.result.EERBetween = &eer
	points := b.points()
	for k, p := range points {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.Between = &OperatingInterval{
			FAR: middle(func(r resample) float64 { return r.far[k] }),
			TAR: middle(func(r resample) float64 { return r.tar[k] }),
		}
		if p.AskedFAR > 0 {
			t := middle(func(r resample) float64 { return r.threshold[k] })
			p.Between.Threshold = &t
		}
	}
	return nil
}

// points are the operating points of the result, in the order of a resample's figures.
func (b *bootstrap) points() (all []*OperatingPoint) {
	for k := range b.v.result.AtFAR {
		all = append(all, &b.v.result.AtFAR[k])
	}
	for k := range b.v.result.At {
		all = append(all, &b.v.result.At[k])
	}
	return all
}

// gatherImpostors lists pairs of two classes.
func (b *bootstrap) gatherImpostors(ctx context.Context) error {
	v := b.v
	share := make([]float64, len(v.below)) // of the pairs in a gap or at its edge, how many are kept
	before := int64(0)
	for k, n := range v.below {
		share[k] = min(1, bootstrapNearest/max(1, float64(before+n)/2))
		before = n
	}
	var lock sync.Mutex
	nothing := func(int, int) {}
	err := v.scan.run(ctx, nothing, nothing, func(query, first int, values, bias []float32) {
		var found []weighedPair
		v.impostors(query, first, values, bias, func(row int, value float32) {
			gap, certain := v.find(value)
			if !certain {
				gap = v.place(v.distance(query, row)) / 2
			}
			if p := share[gap]; p == 1 || chance(v.o.Seed, query, row) < p {
				labels := v.scan.query.Labels
				found = append(found, weighedPair{v.distance(query, row), b.class[labels[query]], b.class[labels[row]], 1 / p})
			}
		})
		lock.Lock()
		b.impostor = append(b.impostor, found...)
		lock.Unlock()
	})
	slices.SortFunc(b.impostor, func(x, y weighedPair) int {
		return cmp.Or(cmp.Compare(x.distance, y.distance), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.weight, y.weight))
	})
	return err
}

// chance is a number from 0 to 1 that belongs to a pair, by whatever thread it is asked for: G. L. Steele,
// D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
func chance(seed uint64, i, j int) float64 {
	z := seed
	for _, v := range [...]int{i, j} {
		z += 0x9e3779b97f4a7c15 * uint64(v+1)
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
	}
	return float64(z>>11) * 0x1p-53
}

// resample is the figures of one draw of classes.
type resample struct {
	eer                 float64
	threshold, far, tar []float64 // of each operating point
	empty               bool      // no pair of one class, or of two, was drawn
}

func (b *bootstrap) resample(rng *rand.Rand) (r resample) {
	times := make([]float64, len(b.rows))
	for range times {
		times[rng.IntN(len(times))]++
	}
	sum, squares := 0.0, 0.0
	for c, n := range b.rows {
		sum += times[c] * n
		squares += times[c] * n * times[c] * n
	}
	impostors, genuine := (sum*sum-squares)/2, 0.0
	for _, p := range b.genuine {
		genuine += times[p.a]
	}
	if impostors <= 0 || genuine == 0 || len(b.impostor) == 0 {
		return resample{empty: true}
	}
	n := len(b.points())
	r.threshold, r.far, r.tar = make([]float64, n), make([]float64, n), make([]float64, n)
	accepted, mark, asked := 0.0, 0, 0
	for i, pair := range b.impostor {
		for ; mark < n && b.impostorsBelow[mark].pairs == i; mark++ {
			r.far[b.impostorsBelow[mark].point] = accepted / impostors
		}
		accepted += times[pair.a] * times[pair.b] * pair.weight
		for ; asked < len(b.asked) && accepted > b.asked[asked].far*impostors*(1+hair); asked++ {
			r.threshold[b.asked[asked].point] = pair.distance
		}
	}
	for ; mark < n; mark++ {
		r.far[b.impostorsBelow[mark].point] = accepted / impostors
	}
	for ; asked < len(b.asked); asked++ { // all that were kept weigh less than all
		r.threshold[b.asked[asked].point] = b.impostor[len(b.impostor)-1].distance
	}
	for k := range r.far {
		r.far[k] = min(1, r.far[k])
	}
	accepted, mark = 0, 0
	for g := 0; mark < n; g++ {
		for ; mark < n && b.genuineBelow[mark].pairs == g; mark++ {
			r.tar[b.genuineBelow[mark].point] = accepted / genuine
		}
		if g < len(b.genuine) {
			accepted += times[b.genuine[g].a]
		}
	}
	r.eer = b.equalErrorRate(times, impostors, genuine)
	return r
}

// equalErrorRate goes along the ROC of a resample.
func (b *bootstrap) equalErrorRate(times []float64, impostors, genuine float64) float64 {
	var w walk
	far, tar, i, g := 0.0, 0.0, 0, 0
	for !w.pastEER && (i < len(b.impostor) || g < len(b.genuine)) {
		d := math.Inf(1)
		if i < len(b.impostor) {
			d = b.impostor[i].distance
		}
		if g < len(b.genuine) {
			d = min(d, b.genuine[g].distance)
		}
		for ; i < len(b.impostor) && b.impostor[i].distance == d; i++ {
			far += times[b.impostor[i].a] * times[b.impostor[i].b] * b.impostor[i].weight
		}
		for ; g < len(b.genuine) && b.genuine[g].distance == d; g++ {
			tar += times[b.genuine[g].a]
		}
		w.to(min(1, far/impostors), tar/genuine)
	}
	if !w.pastEER {
		w.to(1, 1)
	}
	return w.eer
}
