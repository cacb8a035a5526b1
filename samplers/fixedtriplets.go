package samplers

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/exclusive"
)

// FixedTriplets yields batches of triplets of a fixed set, as if triplets were all that is known of
// the pictures: rows 3i, 3i+1 and 3i+2 of a batch are an anchor, a positive and a negative. The set is
// given, or drawn once: for each triplet a class that has two pictures or more, two of them, another
// class and one of its pictures. Every epoch shows each triplet once; the last batch of an epoch is
// filled up with triplets of the next one.
//
// miners.Packaged makes a loss go over these triplets alone.
type FixedTriplets struct {
	Triplets int    // in the set
	PerBatch int    // triplets in a batch
	Seed     uint64 // of the set and of its order

	set         [][3]int32
	deck        deck // of numbers of triplets
	pcg         *rand.PCG
	rng         *rand.Rand
	progress    progress
	fingerprint uint64
	pictures    int
	dealt       []int32
	use         exclusive.Use
}

var _ Sampler = (*FixedTriplets)(nil)

// The names that states have.
const (
	fixedTripletsName = "fixed-triplets"
	hierarchicalName  = "hierarchical"
)

// NewFixedTriplets makes the sampler over labels, one label a picture.
func NewFixedTriplets(labels []int, triplets, perBatch int, seed uint64) (*FixedTriplets, error) {
	s, err := newFixedTriplets(labels, triplets, perBatch, seed)
	if err != nil {
		return nil, err
	}
	classes, decks := classDecks(labels, Config{K: 1})
	var paired []int // classes with two pictures
	for i, c := range classes {
		if c.Pictures >= 2 {
			paired = append(paired, i)
		}
	}
	if len(paired) == 0 || len(classes) < 2 {
		return nil, errors.Errorf("samplers: %s: %d classes, %d of them with two pictures or more, make no triplet: want two classes, and two pictures of one", fixedTripletsName, len(classes), len(paired))
	}
	for i := range s.set {
		own := paired[s.rng.IntN(len(paired))]
		other := s.rng.IntN(len(classes) - 1)
		if other >= own {
			other++
		}
		decks[own].pick(s.rng, s.set[i][:2])
		decks[other].pick(s.rng, s.set[i][2:])
	}
	return s, nil
}

// NewGivenTriplets makes the sampler of triplets (anchor, positive, negative) of pictures, whatever their
// labels are.
func NewGivenTriplets(labels []int, triplets [][3]int, perBatch int, seed uint64) (*FixedTriplets, error) {
	s, err := newFixedTriplets(labels, len(triplets), perBatch, seed)
	if err != nil {
		return nil, err
	}
	known := slices.Clone(labels)
	for i, t := range triplets {
		for k, picture := range t {
			if picture < 0 || picture >= len(labels) {
				return nil, errors.Errorf("samplers: %s: triplet %d has picture %d of %d", fixedTripletsName, i, picture, len(labels))
			}
			s.set[i][k] = int32(picture)
		}
		known = append(known, t[:]...)
	}
	s.fingerprint = fingerprint(known, Config{P: len(triplets), K: perBatch})
	return s, nil
}

// newFixedTriplets makes the sampler without its set.
func newFixedTriplets(labels []int, triplets, perBatch int, seed uint64) (*FixedTriplets, error) {
	if triplets < 1 || perBatch < 1 || perBatch > triplets || triplets > maxPictures/3 {
		return nil, errors.Errorf("samplers: %s: %d triplets, %d in a batch, want at least 1 in a batch and as many triplets, at most %d", fixedTripletsName, triplets, perBatch, maxPictures/3)
	}
	if len(labels) > maxPictures {
		return nil, errors.Errorf("samplers: %s: %d labels, at most %d are supported", fixedTripletsName, len(labels), maxPictures)
	}
	pcg := newPCG(seed)
	return &FixedTriplets{
		Triplets: triplets, PerBatch: perBatch, Seed: seed,
		set: make([][3]int32, triplets), deck: newDeck(firstInts(triplets)), pcg: pcg, rng: rand.New(pcg),
		progress:    progress{perEpoch: ceilDiv(triplets, perBatch)},
		fingerprint: fingerprint(labels, Config{P: triplets, K: perBatch}), pictures: len(labels), dealt: make([]int32, perBatch),
	}, nil
}

// Batch is three times the number of triplets in a batch.
func (s *FixedTriplets) Batch() int { return 3 * s.PerBatch }

// BatchesPerEpoch is how many batches hold all triplets.
func (s *FixedTriplets) BatchesPerEpoch() int { return s.progress.perEpoch }

// Next fills dst, of length Batch, triplet by triplet.
func (s *FixedTriplets) Next(dst []int) error {
	if err := s.use.Begin("samplers: " + fixedTripletsName + ": the sampler"); err != nil {
		return err
	}
	defer s.use.End()
	if len(dst) != s.Batch() {
		return errors.Errorf("samplers: %s: Next got room for %d indices, a batch has %d", fixedTripletsName, len(dst), s.Batch())
	}
	if s.progress.begins() {
		s.deck.restart()
	}
	s.deck.deal(s.rng, s.dealt)
	for i, number := range s.dealt {
		for k, picture := range s.set[number] {
			dst[3*i+k] = int(picture)
		}
	}
	s.progress.step()
	return nil
}

// State is the whole state, the set of triplets too.
func (s *FixedTriplets) State() ([]byte, error) {
	if err := s.use.Begin("samplers: " + fixedTripletsName + ": the sampler"); err != nil {
		return nil, err
	}
	defer s.use.End()
	w := newState(fixedTripletsName, s.fingerprint)
	w.generator(s.pcg)
	w.progress(s.progress)
	w.deck(s.deck)
	for _, t := range s.set {
		for _, picture := range t {
			w.bytes = binary.LittleEndian.AppendUint32(w.bytes, uint32(picture))
		}
	}
	return w.bytes, w.err
}

// Restore goes on from a State, or refuses it and leaves the sampler as it was.
func (s *FixedTriplets) Restore(state []byte) error {
	if err := s.use.Begin("samplers: " + fixedTripletsName + ": the sampler"); err != nil {
		return err
	}
	defer s.use.End()
	r := readState(state, fixedTripletsName, s.fingerprint)
	pcg := r.generator()
	at := r.progress(s.progress)
	d := r.deck(s.deck)
	set := make([][3]int32, len(s.set))
	for i, raw := 0, r.take(12*len(set)); i < len(set) && raw != nil; i++ {
		for k := range set[i] {
			picture := binary.LittleEndian.Uint32(raw[4*(3*i+k):])
			if int64(picture) >= int64(s.pictures) {
				r.err = errors.Errorf("samplers: the state is damaged: picture %d of %d", picture, s.pictures)
			}
			set[i][k] = int32(picture)
		}
	}
	if err := r.end(); err != nil {
		return err
	}
	*s.pcg, s.progress, s.deck, s.set = pcg, at, d, set
	return nil
}
