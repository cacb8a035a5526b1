package samplers

import (
	"math/rand/v2"

	"github.com/pkg/errors"

	"medusa/internal/exclusive"
	"medusa/internal/field"
)

// ClassDraw chooses the classes of a batch for a PK sampler. Classes are numbered from
// zero in the order of their labels, those left out not counted. All randomness must
// come from rng, whose state the PK sampler saves.
type ClassDraw interface {
	// Epoch is called before the first batch of every epoch.
	Epoch(rng *rand.Rand)
	// Draw fills classes with distinct class numbers.
	Draw(rng *rand.Rand, classes []int32)
	// MarshalBinary is the state of the draw itself, empty where it has none.
	MarshalBinary() ([]byte, error)
	// UnmarshalBinary goes on from a state, or refuses it and stays as it was.
	UnmarshalBinary(state []byte) error
}

// PK yields batches of P classes × K pictures, the K pictures of a class side by side.
// The P classes are distinct, and so are the K pictures of a class that has as many. A
// class with fewer is left out, or with Config.Repeat shows every picture ⌊K/n⌋ times
// or once more.
type PK struct {
	config      Config
	plan        Plan
	independent bool // pictures are drawn anew for each batch
	classes     []deck
	draw        ClassDraw
	pcg         *rand.PCG
	rng         *rand.Rand
	progress    progress
	fingerprint uint64
	use         exclusive.Use
	what        string // is in use, for errors

	chosen  []int32  // the classes of the batch, P
	dealt   []int32  // the pictures of a class, K
	seen    []uint64 // the batch in which a class last came up, to check the draw
	batches uint64
}

var _ Sampler = (*PK)(nil)

// NewPK makes a P×K sampler with a class draw of one's own, which makeDraw builds for
// the classes of the plan, in the order of their numbers.
func NewPK(labels []int, c Config, makeDraw func(classes []Class, c Config) (ClassDraw, error)) (*PK, error) {
	c, err := c.pk()
	if err != nil {
		return nil, err
	}
	plan := NewPlan(labels, c.K, c.Repeat)
	if err := enoughClasses(plan, c); err != nil {
		return nil, err
	}
	usable, decks := classDecks(labels, c)
	draw, err := makeDraw(usable, c)
	if err != nil {
		return nil, err
	}
	pcg := newPCG(c.Seed)
	s := &PK{
		what: whatIsUsed(c), config: c, plan: plan, classes: decks, draw: draw, pcg: pcg, rng: rand.New(pcg),
		fingerprint: fingerprint(labels, c),
		chosen:      make([]int32, c.P), dealt: make([]int32, c.K), seen: make([]uint64, len(decks)),
	}
	s.progress.perEpoch = max(ceilDiv(plan.UsablePictures, c.P*c.K), ceilDiv(plan.UsableClasses, c.P))
	return s, nil
}

func enoughClasses(p Plan, c Config) error {
	if p.UsableClasses >= c.P {
		return nil
	}
	if len(p.LeftOut) == 0 {
		return field.Errorf("samplers", "", "%s is %d, the classes in a batch, but there are %d: lower it to at most %d",
			field.Name("P"), c.P, p.Classes, p.Classes)
	}
	return field.Errorf("samplers", "", "a batch needs %d classes (%s) of at least %d pictures (%s), but only %d of %d classes have as many: "+
		"lower one of them, or let small classes repeat their pictures with %s", c.P, field.Name("P"), c.K, field.Name("K"), p.UsableClasses, p.Classes, field.Name("Repeat"))
}

// classDecks makes the picture decks of the usable classes, in the order of their labels.
func classDecks(labels []int, c Config) ([]Class, []deck) {
	var usable []Class
	number := make(map[int]int)
	for _, class := range countClasses(labels) {
		if class.Pictures >= c.K || c.Repeat {
			number[class.Label] = len(usable)
			usable = append(usable, class)
		}
	}
	pictures := make([][]int32, len(usable))
	for i, class := range usable {
		pictures[i] = make([]int32, 0, class.Pictures)
	}
	for i, l := range labels {
		if n, ok := number[l]; ok {
			pictures[n] = append(pictures[n], int32(i))
		}
	}
	decks := make([]deck, len(usable))
	for i := range decks {
		decks[i] = newDeck(pictures[i])
	}
	return usable, decks
}

// Plan says which classes the batches are drawn from.
func (s *PK) Plan() Plan { return s.plan }

// Batch is P·K.
func (s *PK) Batch() int { return s.config.P * s.config.K }

// BatchesPerEpoch is ⌈usable pictures/(P·K)⌉, and at least ⌈usable classes/P⌉.
func (s *PK) BatchesPerEpoch() int { return s.progress.perEpoch }

// Next fills dst, of length P·K, class by class.
func (s *PK) Next(dst []int) error {
	if err := s.use.Begin(s.what); err != nil {
		return err
	}
	defer s.use.End()
	if len(dst) != s.Batch() {
		return errors.Errorf("samplers: %s: Next got room for %d indices, a batch has %d", s.config.Name, len(dst), s.Batch())
	}
	if s.progress.begins() {
		s.draw.Epoch(s.rng)
	}
	s.draw.Draw(s.rng, s.chosen)
	if err := s.checkChosen(); err != nil {
		return err
	}
	for i, class := range s.chosen {
		s.pictures(class, dst[i*s.config.K:(i+1)*s.config.K])
	}
	s.progress.step()
	return nil
}

// checkChosen guards the promise of distinct classes against a draw from outside.
func (s *PK) checkChosen() error {
	s.batches++
	for _, class := range s.chosen {
		if class < 0 || int(class) >= len(s.classes) {
			return errors.Errorf("samplers: %s: the draw chose class %d of %d", s.config.Name, class, len(s.classes))
		}
		if s.seen[class] == s.batches {
			return errors.Errorf("samplers: %s: the draw chose class %d twice in a batch", s.config.Name, class)
		}
		s.seen[class] = s.batches
	}
	return nil
}

// pictures fills dst, of length K, with pictures of a class: every one as often as K
// allows, the others dealt.
func (s *PK) pictures(class int32, dst []int) {
	d := &s.classes[class]
	for len(dst) >= len(d.items) && len(d.items) < s.config.K {
		for i, picture := range d.items {
			dst[i] = int(picture)
		}
		dst = dst[len(d.items):]
	}
	dealt := s.dealt[:len(dst)]
	if s.independent {
		d.pick(s.rng, dealt)
	} else {
		d.deal(s.rng, dealt)
	}
	for i, picture := range dealt {
		dst[i] = int(picture)
	}
}

func (s *PK) mark() uint64 { return s.fingerprint }

// State is the whole state of the sampler.
func (s *PK) State() ([]byte, error) {
	if err := s.use.Begin(s.what); err != nil {
		return nil, err
	}
	defer s.use.End()
	w := newState(s.config.Name, s.fingerprint)
	w.generator(s.pcg)
	w.progress(s.progress)
	for _, d := range s.classes {
		w.deck(d)
	}
	draw, err := s.draw.MarshalBinary()
	if err != nil {
		return nil, errors.Wrapf(err, "samplers: %s: state of the class draw", s.config.Name)
	}
	w.block(draw)
	return w.bytes, w.err
}

// Restore goes on from a State, or refuses it and leaves the sampler as it was.
func (s *PK) Restore(state []byte) error {
	if err := s.use.Begin(s.what); err != nil {
		return err
	}
	defer s.use.End()
	r := readState(state, s.config.Name, s.fingerprint)
	pcg := r.generator()
	at := r.progress(s.progress)
	classes := make([]deck, len(s.classes))
	for i, d := range s.classes {
		classes[i] = r.deck(d)
	}
	draw := r.block()
	if err := r.end(); err != nil {
		return err
	}
	if err := s.draw.UnmarshalBinary(draw); err != nil {
		return errors.Wrapf(err, "samplers: %s: state of the class draw", s.config.Name)
	}
	*s.pcg, s.progress, s.classes = pcg, at, classes
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
