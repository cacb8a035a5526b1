package samplers

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/pkg/errors"
)

// progress is where a sampler stands: batch of perEpoch batches are done in epoch.
type progress struct{ epoch, batch, perEpoch int }

// begins tells whether the next batch is the first of an epoch.
func (p *progress) begins() bool { return p.batch == 0 }

func (p *progress) step() {
	p.batch++
	if p.batch == p.perEpoch {
		p.epoch, p.batch = p.epoch+1, 0
	}
}

// newPCG makes the generator of a seed. The second word keeps it apart from other
// users of the same seed.
func newPCG(seed uint64) *rand.PCG { return rand.NewPCG(seed, 0x6d656475_73612d73) }

// fingerprint tells data sets and configurations apart, the seed not counted.
func fingerprint(labels []int, c Config) uint64 {
	h := fnv.New64a()
	write := func(v uint64) {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], v)
		h.Write(word[:])
	}
	repeat := uint64(0)
	if c.Repeat {
		repeat = 1
	}
	for _, v := range []uint64{uint64(c.P), uint64(c.K), uint64(c.Batch), repeat, math.Float64bits(c.Power), uint64(len(labels))} {
		write(v)
	}
	if c.Pool != 0 { // not written where it means nothing: older states stay valid
		write(uint64(c.Pool))
	}
	for _, l := range labels {
		write(uint64(l))
	}
	return h.Sum64()
}

// A state begins with the magic, whose last byte is the version, the sampler's name
// and the fingerprint; numbers are little-endian.
const magic = "medusa-sampler\x01"

// stateWriter appends the parts of a state.
type stateWriter struct {
	bytes []byte
	err   error
}

func newState(name string, fingerprint uint64) *stateWriter {
	w := &stateWriter{bytes: []byte(magic)}
	w.block([]byte(name))
	w.uint(fingerprint)
	return w
}

func (w *stateWriter) uint(v uint64) { w.bytes = binary.LittleEndian.AppendUint64(w.bytes, v) }

func (w *stateWriter) block(b []byte) {
	w.uint(uint64(len(b)))
	w.bytes = append(w.bytes, b...)
}

func (w *stateWriter) generator(pcg *rand.PCG) {
	b, err := pcg.MarshalBinary()
	if err != nil {
		w.err = errors.Wrap(err, "samplers: generator")
	}
	w.block(b)
}

func (w *stateWriter) progress(p progress) {
	w.uint(uint64(p.epoch))
	w.uint(uint64(p.batch))
}

func (w *stateWriter) deck(d deck) {
	w.uint(uint64(d.next))
	for _, item := range d.items {
		w.bytes = binary.LittleEndian.AppendUint32(w.bytes, uint32(item))
	}
}

// stateReader reads the parts of a state; after its first error it yields zeros.
type stateReader struct {
	bytes []byte
	err   error
}

func readState(state []byte, name string, fingerprint uint64) *stateReader {
	r := &stateReader{bytes: state}
	if got := r.take(len(magic)); r.err == nil && string(got) != magic {
		r.err = errors.New("samplers: this is no sampler's state, or one of another version")
	}
	if got := r.block(); r.err == nil && string(got) != name {
		r.err = errors.Errorf("samplers: the state belongs to sampler %q, this one is %s", got, name)
	}
	if got := r.uint(); r.err == nil && got != fingerprint {
		r.err = errors.Errorf("samplers: the state belongs to a %s sampler over other labels or with other P, K, batch, repeat, power or pool; "+
			"go on with the data set and configuration that it was saved with", name)
	}
	return r
}

func (r *stateReader) take(n int) []byte {
	if r.err == nil && n > len(r.bytes) {
		r.err = errors.New("samplers: the state is cut short")
	}
	if r.err != nil {
		return nil
	}
	b := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return b
}

func (r *stateReader) uint() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// below reads a number that must not be above limit.
func (r *stateReader) below(limit int, what string) int {
	v := r.uint()
	if r.err == nil && v > uint64(limit) {
		r.err = errors.Errorf("samplers: the state is damaged: %s is %d, at most %d is possible", what, v, limit)
	}
	if r.err != nil {
		return 0
	}
	return int(v)
}

func (r *stateReader) block() []byte { return r.take(r.below(len(r.bytes), "the length of a part")) }

func (r *stateReader) generator() rand.PCG {
	var pcg rand.PCG
	b := r.block()
	if r.err == nil {
		r.err = errors.Wrap(pcg.UnmarshalBinary(b), "samplers: the state is damaged: generator")
	}
	return pcg
}

func (r *stateReader) progress(like progress) progress {
	return progress{
		epoch:    r.below(math.MaxInt, "the epoch"),
		batch:    r.below(like.perEpoch-1, "the batch within the epoch"),
		perEpoch: like.perEpoch,
	}
}

// deck reads a deck that must hold the same items as like, in any order.
func (r *stateReader) deck(like deck) deck {
	d := deck{next: r.below(len(like.items), "the place in a deck")}
	b := r.take(4 * len(like.items))
	if r.err != nil {
		return deck{}
	}
	left := make(map[int32]bool, len(like.items))
	for _, item := range like.items {
		left[item] = true
	}
	d.items = make([]int32, len(like.items))
	for i := range d.items {
		item := int32(binary.LittleEndian.Uint32(b[4*i:]))
		if !left[item] {
			r.err = errors.Errorf("samplers: the state is damaged: %d does not belong into its deck", item)
			return deck{}
		}
		delete(left, item)
		d.items[i] = item
	}
	return d
}

func (r *stateReader) end() error {
	if r.err == nil && len(r.bytes) > 0 {
		r.err = errors.Errorf("samplers: the state is damaged: %d bytes too many", len(r.bytes))
	}
	return r.err
}
