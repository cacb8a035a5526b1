package samplers

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/pkg/errors"
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

// observations are what an Observer knows of pictures, the embedding that each had when it was last in
// a batch, with the count of the batches that are drawn ahead of those observed. They take
// pictures·E·4 bytes.
type observations struct {
	mu       sync.Mutex
	sampler  string         // its name
	batch    int            // pictures in a batch
	pictures int            // in the data set
	comesUp  func(int) bool // whether a picture is drawn at all

	size       int       // E; 0 before the first Observe
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

// core is what draws the batches of an Observer, whose own state is within that of the observations.
type core interface {
	State() ([]byte, error)
	Restore(state []byte) error
	mark() uint64 // the fingerprint
}

func (s *observations) begin(sampler string, batch, pictures int, comesUp func(picture int) bool) {
	s.sampler, s.batch, s.pictures, s.comesUp = sampler, batch, pictures, comesUp
	s.delay, s.isKnown = 1, make([]bool, pictures)
}

// Delay is as Observer has it; n is at least 1.
func (s *observations) Delay(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 1 || s.drawn > 0 {
		return errors.Errorf("samplers: %s: a delay of %d after %d batches, want at least 1, before the first batch", s.sampler, n, s.drawn)
	}
	s.delay = n
	return nil
}

// next fills dst with the next batch, which draw makes if it was not made before.
func (s *observations) next(dst []int, draw func() ([]int, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(dst) != s.batch {
		return errors.Errorf("samplers: %s: Next got room for %d indices, a batch has %d", s.sampler, len(dst), s.batch)
	}
	if s.handed == s.drawn {
		if needed := s.drawn - s.delay + 1; s.observed > 0 && s.observed < needed {
			return errors.Errorf("samplers: %s: batch %d is drawn from the embeddings of %d batches, and only %d were observed: "+
				"observe every batch, or set a larger delay", s.sampler, s.drawn, needed, s.observed)
		}
		s.takeOver()
		batch, err := draw()
		if err != nil {
			return err
		}
		s.add(batch)
	}
	copy(dst, s.recent[len(s.recent)-(s.drawn-s.handed)])
	s.handed++
	return nil
}

// add takes a batch that was made.
func (s *observations) add(batch []int) {
	s.drawn++
	s.recent = append(s.recent, batch)
	// Kept are those not yet taken over, and those from which a state may be asked for.
	if old := len(s.recent) - 2*s.delay - 1; old > 0 {
		s.recent = slices.Delete(s.recent, 0, old)
	}
}

// row is the embedding of a picture that is known.
func (s *observations) row(picture int) []float32 {
	return s.embeddings[picture*s.size : (picture+1)*s.size]
}

// Observe is as Observer has it.
func (s *observations) Observe(embeddings []float32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.observed == 0 && s.drawn > 2*s.delay {
		return errors.Errorf("samplers: %s: the first embeddings come after %d batches: observe every batch from the first one on", s.sampler, s.drawn)
	}
	if s.observed == s.handed {
		return errors.Errorf("samplers: %s: embeddings of batch %d, which was not yielded yet", s.sampler, s.observed)
	}
	e := len(embeddings) / s.batch
	if e == 0 || e*s.batch != len(embeddings) || s.size != 0 && e != s.size {
		return errors.Errorf("samplers: %s: %d numbers, want embeddings of %d pictures, all of one size (%d so far)", s.sampler, len(embeddings), s.batch, s.size)
	}
	if s.size == 0 {
		s.size = e
		s.embeddings = make([]float32, s.pictures*e)
	}
	s.waiting = append(s.waiting, slices.Clone(embeddings))
	s.observed++
	return nil
}

// takeOver takes in what the batch to be drawn may know.
func (s *observations) takeOver() {
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

// stateNow is the state after the last batch that Next yielded.
func (s *observations) stateNow(own core) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(own, s.handed)
}

// stateAt is the state in which batch t is the next one.
func (s *observations) stateAt(own core, t int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(own, t)
}

func (s *observations) write(own core, t int) ([]byte, error) {
	if oldest := max(s.drawn-len(s.recent), s.observed); t < oldest || t > s.drawn {
		return nil, errors.Errorf("samplers: %s: the state before batch %d is not known, only those before batches %d to %d",
			s.sampler, t, oldest, s.drawn)
	}
	inner, err := own.State()
	if err != nil {
		return nil, err
	}
	w := newState(s.sampler, own.mark())
	w.block(inner)
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

// restore goes on from a state, or refuses it and leaves all as it was.
func (s *observations) restore(own core, state []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := readState(state, s.sampler, own.mark())
	inner := r.block()
	n := observationsState{pictures: s.pictures, comesUp: s.comesUp, batch: s.batch}
	n.read(r)
	if err := r.end(); err != nil {
		return err
	}
	if err := own.Restore(inner); err != nil {
		return err
	}
	s.delay, s.drawn, s.handed, s.observed, s.size = n.delay, n.drawn, n.handed, n.observed, n.size
	s.recent, s.waiting, s.known, s.isKnown, s.embeddings = n.recent, n.waiting, n.known, n.isKnown, n.embeddings
	return nil
}
