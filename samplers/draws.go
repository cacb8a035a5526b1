package samplers

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

func newDeckPK(labels []int, c Config) (Sampler, error) {
	return asSampler(newPoolless(labels, c, newDeckDraw))
}

// newPoolless is NewPK for a draw that looks for no hard negatives.
func newPoolless(labels []int, c Config, draw func([]Class, Config) (ClassDraw, error)) (*PK, error) {
	if c.Pool != 0 {
		return nil, field.Errorf("samplers", "", "%s means nothing to %s %s, which looks for no hard negatives; pk-hard does", field.Name("Pool"), field.Name("Name"), c.Name)
	}
	return NewPK(labels, c, draw)
}

func newHardPK(labels []int, c Config) (Sampler, error) {
	s, err := NewHard(labels, c)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newIndependentPK(labels []int, c Config) (Sampler, error) {
	s, err := newPoolless(labels, c, func(classes []Class, c Config) (ClassDraw, error) {
		d, err := newDeckDraw(classes, c)
		if err != nil {
			return nil, err
		}
		return &independentDraw{d.(*deckDraw)}, nil
	})
	if err != nil {
		return nil, err
	}
	s.independent = true
	return s, nil
}

func newWeightedPK(labels []int, c Config) (Sampler, error) {
	if c.Power == 0 {
		c.Power = 1
	}
	return asSampler(newPoolless(labels, c, newSizeDraw))
}

// asSampler keeps a nil *PK from becoming a Sampler that is not nil.
func asSampler(s *PK, err error) (Sampler, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// deckDraw deals the classes from a deck that is fresh in every epoch.
type deckDraw struct{ deck deck }

func newDeckDraw(classes []Class, c Config) (ClassDraw, error) {
	if c.Power != 0 {
		return nil, field.Errorf("samplers", "", "%s means nothing to %s %s, which draws every class equally; pk-weighted does not", field.Name("Power"), field.Name("Name"), c.Name)
	}
	return &deckDraw{newDeck(firstInts(len(classes)))}, nil
}

func (d *deckDraw) Epoch(*rand.Rand)                     { d.deck.restart() }
func (d *deckDraw) Draw(rng *rand.Rand, classes []int32) { d.deck.deal(rng, classes) }

func (d *deckDraw) MarshalBinary() ([]byte, error) {
	var w stateWriter
	w.deck(d.deck)
	return w.bytes, nil
}

func (d *deckDraw) UnmarshalBinary(state []byte) error {
	r := stateReader{bytes: state}
	next := r.deck(d.deck)
	if err := r.end(); err != nil {
		return err
	}
	d.deck = next
	return nil
}

// independentDraw draws every batch's classes from all of them.
type independentDraw struct{ *deckDraw }

func (d *independentDraw) Draw(rng *rand.Rand, classes []int32) { d.deck.pick(rng, classes) }

// sizeDraw has class c in a batch with probability π(c) = min(1, τ·size(c)^power), τ
// being such that the probabilities sum to P. It draws systematically from the classes
// in random order: laid end to end as intervals of length π, those that hold the
// points u, u+1, …, u+P−1 are chosen, so that exactly P distinct classes come out and
// the probabilities hold exactly.
//
// W. G. Madow, "On the theory of systematic sampling, II", Annals of Mathematical
// Statistics 20, 1949.
type sizeDraw struct {
	order []int32
	share []uint64 // π(c) in units of 1/one, summing to P·one
}

// one is a probability of 1 in fixed point, in which sums are exact.
const one = 1 << 40

func newSizeDraw(classes []Class, c Config) (ClassDraw, error) {
	weights := make([]float64, len(classes))
	for i, class := range classes {
		weights[i] = math.Pow(float64(class.Pictures), c.Power)
		if !(weights[i] > 0) || math.IsInf(weights[i], 0) {
			return nil, errors.Errorf("samplers: %s: a class of %d pictures to the power %g has weight %g; take a power nearer to 0",
				c.Name, class.Pictures, c.Power, weights[i])
		}
	}
	share := inclusion(weights, c.P)
	if never := slices.Index(share, 0); never >= 0 {
		return nil, errors.Errorf("samplers: %s: with power %g the class of label %d, with %d pictures, would never come up; take a power nearer to 0",
			c.Name, c.Power, classes[never].Label, classes[never].Pictures)
	}
	return &sizeDraw{order: firstInts(len(classes)), share: share}, nil
}

// inclusion turns weights into probabilities in fixed point that sum to p exactly,
// those above 1 cut to 1 and the others raised in proportion.
func inclusion(weights []float64, p int) []uint64 {
	bySize := firstInts(len(weights))
	slices.SortStableFunc(bySize, func(a, b int32) int {
		switch {
		case weights[a] > weights[b]:
			return -1
		case weights[a] < weights[b]:
			return 1
		}
		return 0
	})
	rest := make([]float64, len(weights)+1) // rest[i]: sum of the weights from the i-th largest on
	for i := len(bySize) - 1; i >= 0; i-- {
		rest[i] = rest[i+1] + weights[bySize[i]]
	}
	certain := 0 // so many of the largest are in every batch
	for certain < p && weights[bySize[certain]]*float64(p-certain) >= rest[certain] {
		certain++
	}
	share := make([]uint64, len(weights))
	left := uint64(p) * one
	for i, class := range bySize {
		share[class] = one
		if i >= certain {
			// What is left is split again for each class, so that rounding does not add up.
			share[class] = min(uint64(math.Round(float64(left)*(weights[class]/rest[i]))), left)
		}
		left -= share[class]
	}
	return share
}

func (d *sizeDraw) Epoch(*rand.Rand) {}

func (d *sizeDraw) Draw(rng *rand.Rand, classes []int32) {
	shuffle(rng, d.order)
	point := rng.Uint64N(one)
	var end uint64
	chosen := 0
	for _, class := range d.order {
		end += d.share[class]
		if point < end {
			classes[chosen] = class
			chosen++
			point += one
		}
	}
}

func (d *sizeDraw) MarshalBinary() ([]byte, error) {
	var w stateWriter
	w.deck(deck{items: d.order})
	return w.bytes, nil
}

func (d *sizeDraw) UnmarshalBinary(state []byte) error {
	r := stateReader{bytes: state}
	order := r.deck(deck{items: d.order})
	if err := r.end(); err != nil {
		return err
	}
	d.order = order.items
	return nil
}

// firstInts is 0, 1, …, n−1.
func firstInts(n int) []int32 {
	ints := make([]int32, n)
	for i := range ints {
		ints[i] = int32(i)
	}
	return ints
}
