package metrics

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/needs"
)

// EpisodeOptions says which episodes Episodes draws. Ways and Shots must be given; the zero
// value of the rest is 5 queries of each class, 1,000 episodes, Euclidean distance.
type EpisodeOptions struct {
	Ways     int      // classes that a query is told apart among
	Shots    int      // known pictures of each class, the support
	Queries  int      // pictures of each class that are to be recognised; 5 if zero
	Episodes int      // 1,000 if zero
	Distance Distance // Euclidean if zero
	Seed     uint64

	// GroupOf is the group of each label, such as the alphabet of a character. If it is not nil,
	// every episode is within one group: that is drawn first, each with equal probability, then
	// its classes. Labels that it does not hold are left out.
	GroupOf map[int]int

	// Progress, if not nil, is told now and then how many episodes of how many are measured.
	Progress func(done, total int)
}

// FewShot is what Episodes measured.
type FewShot struct {
	Ways     int `json:"ways"`
	Shots    int `json:"shots"`
	Queries  int `json:"queries"` // of each class in an episode
	Episodes int `json:"episodes"`
	// Error is the share of the queries that are taken for a wrong class, Interval half the width
	// of its 95 % interval: 1.96 times the standard deviation between the episodes ÷ √Episodes.
	Error    float64 `json:"error"`
	Interval float64 `json:"interval_95"`
	// Classes are those that were drawn from, in so many Groups (0 where groups do not count).
	Classes int `json:"classes"`
	Groups  int `json:"groups,omitempty"`
	// Left out are classes of fewer than Shots + Queries pictures or of no group, and groups of
	// fewer than Ways classes that are left.
	ClassesLeftOut int `json:"classes_left_out,omitempty"`
	GroupsLeftOut  int `json:"groups_left_out,omitempty"`
}

// Episodes measures N-way K-shot classification: an episode draws N classes, K pictures of each
// as support, and others of each as queries. A class is where the mean of its support is, its
// prototype, and a query is of the class whose prototype is nearest. Where another one is exactly
// as near as that of its own class, it is taken for the wrong one, so that a network that puts
// all pictures on one point is always wrong.
//
// All is drawn without replacement and with equal probability from Seed, and distances are in
// float64: a seed fixes the figures on every machine.
//
// O. Vinyals et al., "Matching Networks for One Shot Learning", NIPS 2016; J. Snell, K. Swersky
// and R. Zemel, "Prototypical Networks for Few-shot Learning", NIPS 2017.
func Episodes(ctx context.Context, s Set, o EpisodeOptions) (FewShot, error) {
	if err := needs.Context("metrics", ctx); err != nil {
		return FewShot{}, err
	}
	o = o.withDefaults()
	if err := o.check(s); err != nil {
		return FewShot{}, err
	}
	pools, out, err := o.pools(s.Labels)
	if err != nil {
		return FewShot{}, err
	}
	d := episodeDrawer{EpisodeOptions: o, pools: pools, rng: newRand(o.Seed, 6)}
	scorer := newEpisodeScorer(s, o)
	var sum, squares float64
	for n := range o.Episodes {
		if n%16 == 0 {
			if err := ctx.Err(); err != nil {
				return FewShot{}, errors.Wrapf(err, "metrics: stopped at episode %d of %d", n, o.Episodes)
			}
			if o.Progress != nil {
				o.Progress(n, o.Episodes)
			}
		}
		wrong := float64(scorer.errors(d.draw())) / float64(o.Ways*o.Queries)
		sum += wrong
		squares += float64(wrong * wrong)
	}
	n := float64(o.Episodes)
	out.Error = sum / n
	if n > 1 {
		out.Interval = normal95 * math.Sqrt(max(0, squares-float64(sum*out.Error))/(n-1)/n)
	}
	return out, nil
}

// normal95 is how many standard deviations either way hold 95 % of a normal distribution.
const normal95 = 1.96

func (o EpisodeOptions) withDefaults() EpisodeOptions {
	if o.Queries == 0 {
		o.Queries = 5
	}
	if o.Episodes == 0 {
		o.Episodes = 1000
	}
	return o
}

func (o EpisodeOptions) check(s Set) error {
	if err := o.Distance.check(); err != nil {
		return err
	}
	if o.Ways < 2 || o.Shots < 1 || o.Queries < 1 || o.Episodes < 1 {
		return errors.Errorf("metrics: episodes of %d ways, %d shots and %d queries of each class, %d episodes: want 2 ways or more, and 1 or more of the others", o.Ways, o.Shots, o.Queries, o.Episodes)
	}
	if err := s.check("episodes"); err != nil {
		return err
	}
	return s.checkLabels("episodes")
}

// pools returns the rows of each class that can be drawn, by group (one group where groups do
// not count), and what is known of the result by then.
func (o EpisodeOptions) pools(labels []int) ([][][]int32, FewShot, error) {
	out := FewShot{Ways: o.Ways, Shots: o.Shots, Queries: o.Queries, Episodes: o.Episodes}
	byClass := newClasses(labels)
	ofGroup := map[int][][]int32{}
	for _, label := range sortedLabels(byClass) {
		group, known := o.GroupOf[label]
		if rows := byClass[label]; len(rows)-o.Shots < o.Queries || o.GroupOf != nil && !known {
			out.ClassesLeftOut++
		} else {
			ofGroup[group] = append(ofGroup[group], rows)
		}
	}
	var pools [][][]int32
	largest := 0
	for _, group := range slices.Sorted(maps.Keys(ofGroup)) {
		classes := ofGroup[group]
		if largest = max(largest, len(classes)); len(classes) < o.Ways {
			out.GroupsLeftOut++
			continue
		}
		out.Classes += len(classes)
		pools = append(pools, classes)
	}
	if o.GroupOf != nil {
		out.Groups = len(pools)
	}
	if len(pools) == 0 {
		where := "there are "
		if o.GroupOf != nil {
			where = "the largest group has "
		}
		return nil, out, errors.Errorf("metrics: episodes of %d ways need as many classes of %d pictures or more (%d known, %d as queries), and %s%d: take fewer ways, shots or queries",
			o.Ways, o.Shots+o.Queries, o.Shots, o.Queries, where, largest)
	}
	return pools, out, nil
}

// episode is the rows of the support and of the queries of each class.
type episode struct{ support, queries [][]int32 }

// episodeDrawer draws one episode after the other.
type episodeDrawer struct {
	EpisodeOptions
	pools [][][]int32 // group → class → rows
	rng   *rand.Rand
	e     episode
}

// draw returns the next episode, which is valid until the one after it.
func (d *episodeDrawer) draw() episode {
	d.e.support, d.e.queries = d.e.support[:0], d.e.queries[:0]
	classes := d.pools[d.rng.IntN(len(d.pools))]
	shuffleFirst(classes, d.Ways, d.rng)
	for _, rows := range classes[:d.Ways] {
		shuffleFirst(rows, d.Shots+d.Queries, d.rng)
		d.e.support = append(d.e.support, rows[:d.Shots])
		d.e.queries = append(d.e.queries, rows[d.Shots:d.Shots+d.Queries])
	}
	return d.e
}

// shuffleFirst puts k of the values first, every choice and order of them being equally probable
// whatever the order was.
func shuffleFirst[T any](values []T, k int, rng *rand.Rand) {
	for i := range k {
		j := i + rng.IntN(len(values)-i)
		values[i], values[j] = values[j], values[i]
	}
}

// episodeScorer counts the errors of episodes on one set.
type episodeScorer struct {
	set       Set
	distance  Distance
	prototype []float64 // Ways×Dim
	query     []float64
}

func newEpisodeScorer(s Set, o EpisodeOptions) *episodeScorer {
	return &episodeScorer{set: s, distance: o.Distance, prototype: make([]float64, o.Ways*s.Dim), query: make([]float64, s.Dim)}
}

// errors counts the queries that are no nearer to their own class's prototype than to all others.
func (c *episodeScorer) errors(e episode) (wrong int) {
	dim := c.set.Dim
	clear(c.prototype)
	for class, rows := range e.support {
		p := c.prototype[class*dim : (class+1)*dim]
		for _, row := range rows {
			for i, v := range c.set.Row(int(row)) {
				p[i] += float64(v)
			}
		}
		for i := range p {
			p[i] /= float64(len(rows))
		}
		if c.distance == Cosine {
			toUnit(p)
		}
	}
	for class, rows := range e.queries {
		for _, row := range rows {
			for i, v := range c.set.Row(int(row)) {
				c.query[i] = float64(v)
			}
			if !c.isNearest(class) {
				wrong++
			}
		}
	}
	return wrong
}

// isNearest reports whether the query is nearer to the prototype of class than to any other.
func (c *episodeScorer) isNearest(class int) bool {
	dim := c.set.Dim
	own := c.key(c.prototype[class*dim : (class+1)*dim])
	for other := 0; other*dim < len(c.prototype); other++ {
		if other != class && !(own < c.key(c.prototype[other*dim:(other+1)*dim])) {
			return false
		}
	}
	return true
}

// key orders prototypes by their distance to the query.
func (c *episodeScorer) key(p []float64) float64 {
	sum := 0.0
	if c.distance == Euclidean {
		for i, v := range c.query {
			d := v - p[i]
			sum += float64(d * d) // not fused: the same bits everywhere
		}
		return sum
	}
	for i, v := range c.query {
		sum -= float64(v * p[i]) // by cosine prototypes have length 1, and the query's changes no order
	}
	return sum
}

// toUnit gives v length 1, unless it is zero.
func toUnit(v []float64) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x * x)
	}
	if sum == 0 {
		return
	}
	length := math.Sqrt(sum)
	for i := range v {
		v[i] /= length
	}
}

// OneShot counts the queries that are no nearer to the known row of their label than to every
// other known row: one task with given pictures, where Episodes draws many. known has one row of
// each label.
func OneShot(queries, known Set, d Distance) (wrong int, err error) {
	if err := d.check(); err != nil {
		return 0, err
	}
	for _, s := range []struct {
		name string
		Set
	}{{"queries", queries}, {"known", known}} {
		if err := s.check(s.name); err != nil {
			return 0, err
		}
		if err := s.checkLabels(s.name); err != nil {
			return 0, err
		}
	}
	if queries.Dim != known.Dim {
		return 0, errors.Errorf("metrics: the queries' rows have %d numbers, the known ones %d", queries.Dim, known.Dim)
	}
	class := map[int]int{}
	var e episode
	joined := Set{Dim: known.Dim, Embeddings: slices.Concat(known.Embeddings, queries.Embeddings)}
	for row, label := range known.Labels {
		if _, twice := class[label]; twice {
			return 0, errors.Errorf("metrics: label %d has two known rows, want one", label)
		}
		class[label] = row
		e.support = append(e.support, []int32{int32(row)})
	}
	e.queries = make([][]int32, known.Len())
	for row, label := range queries.Labels {
		c, ok := class[label]
		if !ok {
			return 0, errors.Errorf("metrics: query %d has label %d, which has no known row", row, label)
		}
		e.queries[c] = append(e.queries[c], int32(known.Len()+row))
	}
	if joined.Len() > maxRows {
		return 0, errors.Errorf("metrics: %d rows, at most %d are supported", joined.Len(), maxRows)
	}
	return newEpisodeScorer(joined, EpisodeOptions{Ways: known.Len(), Distance: d}).errors(e), nil
}
