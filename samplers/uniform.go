package samplers

import (
	"math/rand/v2"

	"github.com/pkg/errors"

	"medusa/internal/exclusive"
	"medusa/internal/field"
)

// uniform yields shuffled batches of all pictures, each batch of distinct ones.
type uniform struct {
	config      Config
	deck        deck
	pcg         *rand.PCG
	rng         *rand.Rand
	progress    progress
	fingerprint uint64
	dealt       []int32
	use         exclusive.Use
	what        string // is in use, for errors
}

func newUniform(labels []int, c Config) (Sampler, error) {
	if c.P != 0 || c.K != 0 || c.Repeat || c.Power != 0 || c.Pool != 0 {
		return nil, field.Errorf("samplers", "", "%s uniform takes %s and %s only; %s, %s, %s, %s and %s belong to the P×K samplers", field.Name("Name"),
			field.Name("Batch"), field.Name("Seed"), field.Name("P"), field.Name("K"), field.Name("Repeat"), field.Name("Power"), field.Name("Pool"))
	}
	if c.Batch == 0 {
		c.Batch = DefaultBatch
	}
	if c.Batch < 1 || c.Batch > len(labels) {
		return nil, field.Errorf("samplers", "", "%s is %d distinct pictures out of %d, want 1 to %d", field.Name("Batch"), c.Batch, len(labels), len(labels))
	}
	pcg := newPCG(c.Seed)
	return &uniform{
		what: whatIsUsed(c), config: c, deck: newDeck(firstInts(len(labels))), pcg: pcg, rng: rand.New(pcg),
		progress:    progress{perEpoch: ceilDiv(len(labels), c.Batch)},
		fingerprint: fingerprint(labels, c), dealt: make([]int32, c.Batch),
	}, nil
}

func (s *uniform) Batch() int           { return s.config.Batch }
func (s *uniform) BatchesPerEpoch() int { return s.progress.perEpoch }

func (s *uniform) Next(dst []int) error {
	if err := s.use.Begin(s.what); err != nil {
		return err
	}
	defer s.use.End()
	if len(dst) != s.config.Batch {
		return errors.Errorf("samplers: uniform: Next got room for %d indices, a batch has %d", len(dst), s.config.Batch)
	}
	if s.progress.begins() {
		s.deck.restart()
	}
	s.deck.deal(s.rng, s.dealt)
	for i, picture := range s.dealt {
		dst[i] = int(picture)
	}
	s.progress.step()
	return nil
}

func (s *uniform) State() ([]byte, error) {
	if err := s.use.Begin(s.what); err != nil {
		return nil, err
	}
	defer s.use.End()
	w := newState(s.config.Name, s.fingerprint)
	w.generator(s.pcg)
	w.progress(s.progress)
	w.deck(s.deck)
	return w.bytes, w.err
}

func (s *uniform) Restore(state []byte) error {
	if err := s.use.Begin(s.what); err != nil {
		return err
	}
	defer s.use.End()
	r := readState(state, s.config.Name, s.fingerprint)
	pcg := r.generator()
	at := r.progress(s.progress)
	d := r.deck(s.deck)
	if err := r.end(); err != nil {
		return err
	}
	*s.pcg, s.progress, s.deck = pcg, at, d
	return nil
}
