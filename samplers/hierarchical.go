package samplers

import (
	"fmt"
	"math/rand/v2"

	"github.com/pkg/errors"

	"medusa/internal/exclusive"
)

// Hierarchy says what a batch of NewHierarchical holds: Supers super-classes, Classes classes of each
// and K pictures of each of these.
type Hierarchy struct {
	Supers  int    // super-classes in a batch
	Classes int    // classes of each of them
	K       int    // pictures of each class
	Batches int    // that each set of super-classes makes in an epoch
	Repeat  bool   // a class with fewer than K pictures repeats them instead of being left out
	Seed    uint64 // of the sampler's own generator
}

// Hierarchical yields batches whose classes come of few super-classes, such as sofas and lamps among
// all products: negatives of one super-class are harder than others. An epoch shows every set of
// Supers super-classes Batches times, in random order. The classes of a super-class, and the
// pictures of a class, are dealt from shuffled decks, so that every one comes up.
//
// Super-classes with fewer than Classes classes of K pictures are left out: see LeftOut. The draw is
// that of pytorch-metric-learning's HierarchicalSampler, but for the decks and that all batches
// are full.
type Hierarchical struct {
	Hierarchy
	LeftOut []int // super-classes that are in no batch

	leftOut     []string // their names, if they have some
	sets        deck     // of numbers of sets of super-classes, each Batches times
	supers      []deck   // of each super-class, numbers of its classes
	classes     [][]deck // of each class of each, its pictures
	pcg         *rand.PCG
	rng         *rand.Rand
	progress    progress
	fingerprint uint64
	use         exclusive.Use

	members []int   // of the set of a batch
	chosen  []int32 // classes of a super-class
	dealt   []int32 // pictures of a class
}

var _ Sampler = (*Hierarchical)(nil)

// mostSets is how many batches an epoch may have.
const mostSets = 1 << 24

// NewHierarchical makes the sampler over labels and supers, the class and the super-class of each
// picture.
func NewHierarchical(labels, supers []int, h Hierarchy) (*Hierarchical, error) {
	if len(labels) != len(supers) || len(labels) > maxPictures {
		return nil, errors.Errorf("samplers: %s: %d labels and %d super-classes, want one of each a picture, at most %d", hierarchicalName, len(labels), len(supers), maxPictures)
	}
	for _, n := range []int{h.Supers, h.Classes, h.K, h.Batches} {
		if n < 1 || n > maxPictures {
			return nil, errors.Errorf("samplers: %s: %d super-classes, %d classes of each, %d pictures of each and %d batches, want at least 1", hierarchicalName, h.Supers, h.Classes, h.K, h.Batches)
		}
	}
	if float64(h.Supers)*float64(h.Classes)*float64(h.K) > maxPictures {
		return nil, errors.Errorf("samplers: %s: %d super-classes of %d classes of %d pictures make a batch above %d", hierarchicalName, h.Supers, h.Classes, h.K, maxPictures)
	}
	s := &Hierarchical{Hierarchy: h, pcg: newPCG(h.Seed), members: make([]int, h.Supers), chosen: make([]int32, h.Classes), dealt: make([]int32, h.K)}
	s.rng = rand.New(s.pcg)
	if err := s.group(labels, supers); err != nil {
		return nil, err
	}
	sets := choices(len(s.supers), h.Supers)
	if sets == 0 {
		return nil, errors.Errorf("samplers: %s: a batch needs %d super-classes with %d classes of %d pictures, but only %d have as many, and %d have not: take fewer, or let small classes repeat their pictures",
			hierarchicalName, h.Supers, h.Classes, h.K, len(s.supers), len(s.LeftOut))
	}
	if sets > float64(mostSets/h.Batches) {
		return nil, errors.Errorf("samplers: %s: %d super-classes make %.3g sets of %d, with %d batches each, want at most %d batches in an epoch: take fewer super-classes in a batch",
			hierarchicalName, len(s.supers), sets, h.Supers, h.Batches, mostSets)
	}
	s.sets = newDeck(firstInts(int(sets) * h.Batches))
	s.progress.perEpoch = int(sets) * h.Batches
	s.fingerprint = fingerprint(append(append([]int{}, labels...), supers...), Config{P: h.Supers, K: h.Classes, Batch: h.K, Pool: h.Batches, Repeat: h.Repeat})
	return s, nil
}

// LeftOutNames are the names of LeftOut, where there are such.
func (s *Hierarchical) LeftOutNames() []string { return s.leftOut }

// group sorts pictures into classes and these into super-classes.
func (s *Hierarchical) group(labels, supers []int) error {
	of := map[int]int{} // the super-class of each class
	for i, l := range labels {
		if super, known := of[l]; known && super != supers[i] {
			return errors.Errorf("samplers: %s: class %d is in the super-classes %d and %d, want one", hierarchicalName, l, super, supers[i])
		}
		of[l] = supers[i]
	}
	usable, decks := classDecks(labels, Config{K: s.K, Repeat: s.Repeat})
	within := map[int][]deck{}
	for i, class := range usable {
		within[of[class.Label]] = append(within[of[class.Label]], decks[i])
	}
	for _, super := range countClasses(supers) {
		own := within[super.Label]
		if len(own) < s.Classes {
			s.LeftOut = append(s.LeftOut, super.Label)
			continue
		}
		s.supers, s.classes = append(s.supers, newDeck(firstInts(len(own)))), append(s.classes, own)
	}
	return nil
}

// choices is how many sets of k there are of n, 0 if n is below k.
func choices(n, k int) float64 {
	c := 1.0
	for i := range k {
		c = c * float64(n-i) / float64(i+1)
	}
	return max(c, 0)
}

// membersOf makes members number i of the sets of k of n, in the order of their members.
func membersOf(i, n int, members []int) {
	from := 0
	for at := range members {
		rest := len(members) - at - 1
		for m := from; ; m++ {
			with := int(choices(n-m-1, rest) + 0.5) // sets that begin with m
			if i < with {
				members[at], from = m, m+1
				break
			}
			i -= with
		}
	}
}

// Batch is the number of pictures in a batch.
func (s *Hierarchical) Batch() int { return s.Supers * s.Classes * s.K }

// BatchesPerEpoch is the number of sets of super-classes, times Batches.
func (s *Hierarchical) BatchesPerEpoch() int { return s.progress.perEpoch }

// Next fills dst, of length Batch, super-class by super-class and class by class.
func (s *Hierarchical) Next(dst []int) error {
	if err := s.use.Begin(s.name()); err != nil {
		return err
	}
	defer s.use.End()
	if len(dst) != s.Batch() {
		return errors.Errorf("samplers: %s: Next got room for %d indices, a batch has %d", hierarchicalName, len(dst), s.Batch())
	}
	if s.progress.begins() {
		s.sets.restart()
	}
	var number [1]int32
	s.sets.deal(s.rng, number[:])
	membersOf(int(number[0])/s.Batches, len(s.supers), s.members)
	at := 0
	for _, m := range s.members {
		s.supers[m].deal(s.rng, s.chosen)
		for _, class := range s.chosen {
			s.pictures(&s.classes[m][class], dst[at:at+s.K])
			at += s.K
		}
	}
	s.progress.step()
	return nil
}

// pictures fills dst with pictures of a class: every one as often as K allows, the others dealt.
func (s *Hierarchical) pictures(d *deck, dst []int) {
	for len(dst) >= len(d.items) && len(d.items) < s.K {
		for i, picture := range d.items {
			dst[i] = int(picture)
		}
		dst = dst[len(d.items):]
	}
	dealt := s.dealt[:len(dst)]
	d.deal(s.rng, dealt)
	for i, picture := range dealt {
		dst[i] = int(picture)
	}
}

func (s *Hierarchical) name() string {
	return fmt.Sprintf("samplers: %s: the sampler", hierarchicalName)
}

// State is the whole state of the sampler.
func (s *Hierarchical) State() ([]byte, error) {
	if err := s.use.Begin(s.name()); err != nil {
		return nil, err
	}
	defer s.use.End()
	w := newState(hierarchicalName, s.fingerprint)
	w.generator(s.pcg)
	w.progress(s.progress)
	w.deck(s.sets)
	for m, d := range s.supers {
		w.deck(d)
		for _, class := range s.classes[m] {
			w.deck(class)
		}
	}
	return w.bytes, w.err
}

// Restore goes on from a State, or refuses it and leaves the sampler as it was.
func (s *Hierarchical) Restore(state []byte) error {
	if err := s.use.Begin(s.name()); err != nil {
		return err
	}
	defer s.use.End()
	r := readState(state, hierarchicalName, s.fingerprint)
	pcg := r.generator()
	at := r.progress(s.progress)
	sets := r.deck(s.sets)
	supers, classes := make([]deck, len(s.supers)), make([][]deck, len(s.supers))
	for m, d := range s.supers {
		supers[m] = r.deck(d)
		for _, class := range s.classes[m] {
			classes[m] = append(classes[m], r.deck(class))
		}
	}
	if err := r.end(); err != nil {
		return err
	}
	*s.pcg, s.progress, s.sets, s.supers, s.classes = pcg, at, sets, supers, classes
	return nil
}
