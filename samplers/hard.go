package samplers

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// Observer is a Sampler that draws by where the network puts pictures. A training loop
// shows it the embeddings of every batch that it consumed. Observe and StateAt may be
// called by another goroutine than Next.
type Observer interface {
	Sampler
	// Delay says how many batches a batch is drawn ahead of those observed, before the
	// first Next: batch t is drawn from what is known of the batches 0 … t−n alone, so
	// that the batches do not depend on how far ahead a loader happens to run. 1 if not
	// called. A state knows its own.
	Delay(n int) error
	// Observe takes the embeddings (B, E), row-major, of the next batch to be observed;
	// batches are observed in the order in which Next yielded them.
	Observe(embeddings []float32) error
	// StateAt is the state in which batch t, counted from 0, is the next one. Batches that
	// Next has yielded since are drawn no second time: they are part of the state.
	StateAt(t int) ([]byte, error)
}

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
	mu   sync.Mutex
	pk   *PK // the deck of classes, the pictures and the generator
	pool int
	size int // E; 0 before the first Observe

	classOf    []int32   // class number of each picture, −1 if its class is left out
	embeddings []float32 // (pictures, E)
	known      []int32   // pictures that have an embedding, in the order in which they got it
	isKnown    []bool

	delay    int
	drawn    int         // batches made
	handed   int         // batches yielded by Next
	observed int         // batches observed
	recent   [][]int     // the last batches made, to be observed or yielded again
	waiting  [][]float32 // embeddings of the batches before observed that are not taken over yet
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
	s := &Hard{pk: pk, pool: c.Pool, delay: 1, classOf: make([]int32, len(labels)), isKnown: make([]bool, len(labels))}
	for i := range s.classOf {
		s.classOf[i] = -1
	}
	for class, d := range pk.classes {
		for _, picture := range d.items {
			s.classOf[picture] = int32(class)
		}
	}
	pk.progress.perEpoch = max(pk.progress.perEpoch, ceilDiv(len(pk.classes), s.dealt()))
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

// Delay is as Observer has it; n is at least 1.
func (s *Hard) Delay(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 1 || s.drawn > 0 {
		return errors.Errorf("samplers: %s: a delay of %d after %d batches, want at least 1, before the first batch", s.pk.config.Name, n, s.drawn)
	}
	s.delay = n
	return nil
}

// Next fills dst, of length P·K, class by class.
func (s *Hard) Next(dst []int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(dst) != s.Batch() {
		return errors.Errorf("samplers: %s: Next got room for %d indices, a batch has %d", s.pk.config.Name, len(dst), s.Batch())
	}
	if s.handed == s.drawn {
		if needed := s.drawn - s.delay + 1; s.observed > 0 && s.observed < needed {
			return errors.Errorf("samplers: %s: batch %d is drawn from the embeddings of %d batches, and only %d were observed: "+
				"observe every batch, or set a larger delay", s.pk.config.Name, s.drawn, needed, s.observed)
		}
		s.make()
	}
	copy(dst, s.recent[len(s.recent)-(s.drawn-s.handed)])
	s.handed++
	return nil
}

// make draws a batch.
func (s *Hard) make() {
	s.takeOver()
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
	s.drawn++
	s.recent = append(s.recent, batch)
	// Kept are those not yet taken over, and those from which a state may be asked for.
	if old := len(s.recent) - 2*s.delay - 1; old > 0 {
		s.recent = slices.Delete(s.recent, 0, old)
	}
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

func (s *Hard) row(picture int) []float32 {
	return s.embeddings[picture*s.size : (picture+1)*s.size]
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

// Observe is as Observer has it.
func (s *Hard) Observe(embeddings []float32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.pk.config.Name
	if s.observed == 0 && s.drawn > 2*s.delay {
		return errors.Errorf("samplers: %s: the first embeddings come after %d batches: observe every batch from the first one on", name, s.drawn)
	}
	if s.observed == s.handed {
		return errors.Errorf("samplers: %s: embeddings of batch %d, which was not yielded yet", name, s.observed)
	}
	e := len(embeddings) / s.Batch()
	if e == 0 || e*s.Batch() != len(embeddings) || s.size != 0 && e != s.size {
		return errors.Errorf("samplers: %s: %d numbers, want embeddings of %d pictures, all of one size (%d so far)", name, len(embeddings), s.Batch(), s.size)
	}
	if s.size == 0 {
		s.size = e
		s.embeddings = make([]float32, len(s.classOf)*e)
	}
	s.waiting = append(s.waiting, slices.Clone(embeddings))
	s.observed++
	return nil
}

// takeOver takes in what the batch to be drawn may know.
func (s *Hard) takeOver() {
	for len(s.waiting) > 0 && s.observed-len(s.waiting)+s.delay <= s.drawn {
		batch := s.recent[len(s.recent)-(s.drawn-(s.observed-len(s.waiting)))]
		for i, picture := range batch {
			row := s.waiting[0][i*s.size : (i+1)*s.size]
			if !s.isKnown[picture] {
				s.isKnown[picture] = true
				s.known = append(s.known, int32(picture))
			}
			copy(s.row(picture), row)
		}
		s.waiting = s.waiting[1:]
	}
}

// State is the state after the last batch that Next yielded.
func (s *Hard) State() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stateAt(s.handed)
}

// StateAt is as Observer has it. t is that of a batch which is not observed yet.
func (s *Hard) StateAt(t int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stateAt(t)
}

func (s *Hard) stateAt(t int) ([]byte, error) {
	if oldest := max(s.drawn-len(s.recent), s.observed); t < oldest || t > s.drawn {
		return nil, errors.Errorf("samplers: %s: the state before batch %d is not known, only those before batches %d to %d",
			s.pk.config.Name, t, oldest, s.drawn)
	}
	pk, err := s.pk.State()
	if err != nil {
		return nil, err
	}
	w := newState(s.pk.config.Name, s.pk.fingerprint)
	w.block(pk)
	for _, v := range []int{s.delay, s.drawn, t, s.observed, len(s.recent), len(s.waiting), s.size, len(s.known)} {
		w.uint(uint64(v))
	}
	for _, batch := range s.recent {
		for _, picture := range batch {
			w.bytes = binary.LittleEndian.AppendUint32(w.bytes, uint32(picture))
		}
	}
	for _, batch := range s.waiting {
		w.floats(batch)
	}
	for _, picture := range s.known {
		w.bytes = binary.LittleEndian.AppendUint32(w.bytes, uint32(picture))
		w.floats(s.row(int(picture)))
	}
	return w.bytes, w.err
}

// Restore goes on from a State or a StateAt, or refuses it and leaves the sampler as it
// was.
func (s *Hard) Restore(state []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := readState(state, s.pk.config.Name, s.pk.fingerprint)
	pk := r.block()
	n := hardState{classOf: s.classOf, batch: s.Batch()}
	n.read(r)
	if err := r.end(); err != nil {
		return err
	}
	if err := s.pk.Restore(pk); err != nil {
		return err
	}
	s.delay, s.drawn, s.handed, s.observed, s.size = n.delay, n.drawn, n.handed, n.observed, n.size
	s.recent, s.waiting, s.known, s.isKnown, s.embeddings = n.recent, n.waiting, n.known, n.isKnown, n.embeddings
	return nil
}
