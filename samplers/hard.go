package samplers

import (
	"math"
	"slices"

	"medusa/internal/field"
)

// Hard yields batches of P classes × K pictures that are biased to hard negatives:
// ⌈P/2⌉ classes are dealt from a deck with K pictures of each, whose pairs are the
// positive ones, and each of the others is the class of a hard negative of one of
// those pictures. A hard negative is the nearest picture of a class that is not yet in
// the batch, by the embedding that the picture had when it was last in a batch, among
// Config.Pool pictures drawn at random from all that were in one; the smaller the
// pool, the softer the bias. It brings K−1 pictures of its class along. A class is drawn
// at random where no hard negative is known yet.
//
// It is the draw of H. O. Song, Y. Xiang, S. Jegelka and S. Savarese, "Deep Metric
// Learning via Lifted Structured Feature Embedding", CVPR 2016, section 4 (random positive pairs, to
// which their difficult neighbours are added), made P×K.
//
// It keeps one embedding of every picture, pictures·E·4 bytes.
type Hard struct {
	observations
	pk      *PK // the deck of classes, the pictures and the generator
	pool    int
	classOf []int32 // class number of each picture, −1 if its class is left out
}

var _ Observer = (*Hard)(nil)

const defaultPool = 1024

// NewHard makes the sampler pk-hard.
func NewHard(labels []int, c Config) (*Hard, error) {
	if c.Pool == 0 {
		c.Pool = defaultPool
	}
	if c.Pool < 0 {
		return nil, field.Errorf("samplers", "", "%s is %d, want 1 or more pictures, or 0 for %d", field.Name("Pool"), c.Pool, defaultPool)
	}
	pk, err := NewPK(labels, c, newDeckDraw)
	if err != nil {
		return nil, err
	}
	s := &Hard{pk: pk, pool: c.Pool, classOf: make([]int32, len(labels))}
	for i := range s.classOf {
		s.classOf[i] = -1
	}
	for class, d := range pk.classes {
		for _, picture := range d.items {
			s.classOf[picture] = int32(class)
		}
	}
	pk.progress.perEpoch = max(pk.progress.perEpoch, ceilDiv(len(pk.classes), s.dealt()))
	s.begin(pk.config.Name, pk.Batch(), len(labels), func(picture int) bool { return s.classOf[picture] >= 0 })
	return s, nil
}

// dealt is the number of classes in a batch that come from the deck.
func (s *Hard) dealt() int { return (s.pk.config.P + 1) / 2 }

// Plan says which classes the batches are drawn from.
func (s *Hard) Plan() Plan { return s.pk.plan }

// Batch is P·K.
func (s *Hard) Batch() int { return s.pk.Batch() }

// BatchesPerEpoch is ⌈usable pictures/(P·K)⌉, and at least ⌈usable classes/⌈P/2⌉⌉, so
// that every class is dealt once.
func (s *Hard) BatchesPerEpoch() int { return s.pk.progress.perEpoch }

// Next fills dst, of length P·K, class by class.
func (s *Hard) Next(dst []int) error { return s.next(dst, s.make) }

// make draws a batch.
func (s *Hard) make() ([]int, error) {
	pk := s.pk
	if pk.progress.begins() {
		pk.draw.Epoch(pk.rng)
	}
	pk.batches++
	batch := make([]int, s.Batch())
	n, k := s.dealt(), pk.config.K
	pk.draw.Draw(pk.rng, pk.chosen[:n])
	for i, class := range pk.chosen[:n] {
		pk.seen[class] = pk.batches
		pk.pictures(class, batch[i*k:(i+1)*k])
	}
	for i := n; i < pk.config.P; i++ {
		anchor := batch[(i-n)*k+pk.rng.IntN(k)]
		hard := s.negative(anchor)
		class := s.otherClass()
		if hard >= 0 {
			class = s.classOf[hard]
		}
		pk.seen[class] = pk.batches
		own := batch[i*k : (i+1)*k]
		pk.pictures(class, own)
		if hard >= 0 && !slices.Contains(own, hard) {
			own[k-1] = hard
		}
	}
	pk.progress.step()
	return batch, nil
}

// otherClass is a random class that is not in the batch.
func (s *Hard) otherClass() int32 {
	for {
		class := int32(s.pk.rng.IntN(len(s.pk.classes)))
		if s.pk.seen[class] != s.pk.batches {
			return class
		}
	}
}

// negative is the picture nearest to anchor of those in a random pool whose class is not
// in the batch, −1 if there is none or the anchor's place is not known.
func (s *Hard) negative(anchor int) int {
	if !s.isKnown[anchor] {
		return -1
	}
	best, least := -1, float32(math.Inf(1))
	a := s.row(anchor)
	for i := range min(s.pool, len(s.known)) {
		picture := s.known[i]
		if s.pool < len(s.known) {
			picture = s.known[s.pk.rng.IntN(len(s.known))]
		}
		if s.pk.seen[s.classOf[picture]] == s.pk.batches {
			continue
		}
		if d := squaredDistance(a, s.row(int(picture))); d < least {
			best, least = int(picture), d
		}
	}
	return best
}

func squaredDistance(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4], b[i:i+4]
		d0, d1, d2, d3 := x[0]-y[0], x[1]-y[1], x[2]-y[2], x[3]-y[3]
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
	}
	for ; i < len(a); i++ {
		d := a[i] - b[i]
		s0 += d * d
	}
	return s0 + s1 + (s2 + s3)
}

// State is the state after the last batch that Next yielded.
func (s *Hard) State() ([]byte, error) { return s.stateNow(s.pk) }

// StateAt is as Observer has it. t is that of a batch which is not observed yet.
func (s *Hard) StateAt(t int) ([]byte, error) { return s.stateAt(s.pk, t) }

// Restore goes on from a State or a StateAt, or refuses it and leaves the sampler as it
// was.
func (s *Hard) Restore(state []byte) error { return s.restore(s.pk, state) }
