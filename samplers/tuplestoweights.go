package samplers

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// Counter mines tuples, pairs or triplets, of embeddings (N, E), row-major, with their labels (N), and
// tells in how many each row is, as miners.TupleCounts does. Equal arguments give equal counts; epoch is
// there for miners that draw.
type Counter func(embeddings []float32, labels []int, epoch int) ([]float64, error)

// TuplesToWeights yields batches in which a picture is the more likely, the more tuples a miner finds
// it in. At the beginning of every epoch the miner looks at Config.Pool pictures drawn at random from
// those that have an embedding, and three quarters of the epoch's pictures are drawn of these, each in
// proportion to the tuples that it is in, again and again; of all alike if there are no tuples. The
// last quarter of each batch is dealt from a deck of all pictures, so that every one keeps coming up and
// its embedding is never old. The first epoch is dealt from the deck alone.
//
// The weights are those of pytorch-metric-learning's TuplesToWeightsSampler, which embeds the pictures
// anew for each epoch and draws whole batches by weight; here an embedding is that of the last batch that
// a picture was in.
type TuplesToWeights struct {
	observations
	draw *tupleDraw
}

var _ Observer = (*TuplesToWeights)(nil)

const (
	tuplesToWeightsName = "tuples-to-weights"
	defaultTupleMiner   = "multi-similarity"
)

// tupleDraw is what draws the batches of a TuplesToWeights.
type tupleDraw struct {
	labels      []int
	batch, pool int
	count       Counter
	deck        deck // of all pictures
	pcg         *rand.PCG
	rng         *rand.Rand
	progress    progress
	fingerprint uint64

	weighted []int32   // the pictures of this epoch; none in the first
	upTo     []float64 // the sum of the counts of those up to each
	dealt    []int32
}

// NewTuplesToWeights makes the sampler, of the sizes Batch and Pool, over labels, one label a picture.
func NewTuplesToWeights(labels []int, count Counter, c Config) (*TuplesToWeights, error) {
	if c.P != 0 || c.K != 0 || c.Repeat || c.Power != 0 {
		return nil, field.Errorf("samplers", "", "%s, %s, %s and %s mean nothing to %s %s: they belong to the P×K samplers",
			field.Name("P"), field.Name("K"), field.Name("Repeat"), field.Name("Power"), field.Name("Name"), tuplesToWeightsName)
	}
	if count == nil {
		return nil, errors.Errorf("samplers: %s: nothing mines tuples: make it with a Counter", tuplesToWeightsName)
	}
	c.Name, c.Batch, c.Pool = tuplesToWeightsName, cmp.Or(c.Batch, min(DefaultBatch, len(labels))), cmp.Or(c.Pool, defaultPool)
	if c.Batch < 1 || c.Batch > len(labels) {
		return nil, field.Errorf("samplers", "", "%s is %d of %d pictures, want 1 to %d", field.Name("Batch"), c.Batch, len(labels), len(labels))
	}
	if c.Pool < 2 {
		return nil, field.Errorf("samplers", "", "%s is %d, want at least 2 pictures, or 0 for %d", field.Name("Pool"), c.Pool, defaultPool)
	}
	marked := slices.Clone(labels)
	for _, r := range c.Miner {
		marked = append(marked, int(r))
	}
	pcg := newPCG(c.Seed)
	s := &TuplesToWeights{draw: &tupleDraw{
		labels: labels, batch: c.Batch, pool: c.Pool, count: count, deck: newDeck(firstInts(len(labels))), pcg: pcg, rng: rand.New(pcg),
		progress: progress{perEpoch: ceilDiv(len(labels), c.Batch)}, fingerprint: fingerprint(marked, c), dealt: make([]int32, c.Batch),
	}}
	s.begin(tuplesToWeightsName, c.Batch, len(labels), func(int) bool { return true })
	return s, nil
}

func tuplesToWeightsOf(d Pictures, c Config) (Sampler, error) {
	if d.Counter == nil {
		return nil, field.Errorf("samplers", "", "%s %s needs a miner, which labels alone do not give", field.Name("Name"), tuplesToWeightsName)
	}
	c.Miner = cmp.Or(c.Miner, defaultTupleMiner)
	count, err := d.Counter(c.Miner)
	if err != nil {
		return nil, field.Errorf("samplers", "", "%s: %v", field.Name("Miner"), err)
	}
	s, err := NewTuplesToWeights(d.Labels, count, c)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Batch is the number of pictures in a batch.
func (s *TuplesToWeights) Batch() int { return s.draw.batch }

// BatchesPerEpoch is ⌈pictures/Batch⌉.
func (s *TuplesToWeights) BatchesPerEpoch() int { return s.draw.progress.perEpoch }

// Next fills dst, of length Batch. A picture may be in a batch more than once.
func (s *TuplesToWeights) Next(dst []int) error {
	return s.next(dst, func() ([]int, error) { return s.draw.next(&s.observations) })
}

// State is the state after the last batch that Next yielded.
func (s *TuplesToWeights) State() ([]byte, error) { return s.stateNow(s.draw) }

// StateAt is as Observer has it. t is that of a batch which is not observed yet.
func (s *TuplesToWeights) StateAt(t int) ([]byte, error) { return s.stateAt(s.draw, t) }

// Restore goes on from a State or a StateAt, or refuses it and leaves the sampler as it was.
func (s *TuplesToWeights) Restore(state []byte) error { return s.restore(s.draw, state) }

// next draws a batch.
func (d *tupleDraw) next(of *observations) ([]int, error) {
	if d.progress.begins() && len(of.known) >= 2 {
		if err := d.weigh(of); err != nil {
			return nil, err
		}
	}
	batch := make([]int, d.batch)
	byWeight := 0
	if len(d.weighted) > 0 {
		byWeight = d.batch * 3 / 4
	}
	for i := range byWeight {
		at := d.rng.Float64() * d.upTo[len(d.upTo)-1]
		k, _ := slices.BinarySearchFunc(d.upTo, at, func(sum, at float64) int { // the first whose sum is above
			if sum <= at {
				return -1
			}
			return 1
		})
		batch[i] = int(d.weighted[min(k, len(d.weighted)-1)])
	}
	dealt := d.dealt[:d.batch-byWeight]
	d.deck.deal(d.rng, dealt)
	for i, picture := range dealt {
		batch[byWeight+i] = int(picture)
	}
	d.progress.step()
	return batch, nil
}

// weigh counts, for an epoch, in how many tuples pictures are.
func (d *tupleDraw) weigh(of *observations) error {
	known := newDeck(slices.Clone(of.known))
	pictures := make([]int32, min(d.pool, len(known.items)))
	known.pick(d.rng, pictures)
	var embeddings []float32
	var labels []int
	for _, picture := range pictures {
		embeddings, labels = append(embeddings, of.row(int(picture))...), append(labels, d.labels[picture])
	}
	counts, err := d.count(embeddings, labels, d.progress.epoch)
	if err != nil {
		return errors.WithMessagef(err, "samplers: %s: the tuples of epoch %d", tuplesToWeightsName, d.progress.epoch)
	}
	if len(counts) != len(pictures) {
		return errors.Errorf("samplers: %s: %d counts of tuples of %d pictures, want one of each", tuplesToWeightsName, len(counts), len(pictures))
	}
	for _, n := range counts {
		if !(n >= 0) || math.IsInf(n, 1) {
			return errors.Errorf("samplers: %s: a picture is in %g tuples, want a number", tuplesToWeightsName, n)
		}
	}
	if !slices.ContainsFunc(counts, func(n float64) bool { return n > 0 }) {
		counts = slices.Repeat([]float64{1}, len(pictures)) // no tuples: all alike
	}
	d.set(pictures, counts)
	return nil
}

// set has pictures drawn by their counts, leaving out those of none.
func (d *tupleDraw) set(pictures []int32, counts []float64) {
	d.weighted, d.upTo = nil, nil
	sum := 0.0
	for i, n := range counts {
		if sum+n > sum {
			sum += n
			d.weighted, d.upTo = append(d.weighted, pictures[i]), append(d.upTo, sum)
		}
	}
}

func (d *tupleDraw) mark() uint64 { return d.fingerprint }

// State is the state of the draw.
func (d *tupleDraw) State() ([]byte, error) {
	var w stateWriter
	w.generator(d.pcg)
	w.progress(d.progress)
	w.deck(d.deck)
	w.uint(uint64(len(d.weighted)))
	for i, picture := range d.weighted {
		w.bytes = binary.LittleEndian.AppendUint32(w.bytes, uint32(picture))
		w.uint(math.Float64bits(d.upTo[i]))
	}
	return w.bytes, w.err
}

// Restore goes on from a State, or refuses it and leaves the draw as it was.
func (d *tupleDraw) Restore(state []byte) error {
	r := &stateReader{bytes: state}
	pcg := r.generator()
	at := r.progress(d.progress)
	all := r.deck(d.deck)
	weighted := make([]int32, 0, min(len(d.labels), len(r.bytes)/12))
	var upTo []float64
	last := 0.0
	for range r.below(min(len(d.labels), len(r.bytes)/12), "the number of pictures that are drawn by weight") {
		b := r.take(12)
		if r.err != nil {
			break
		}
		picture, sum := binary.LittleEndian.Uint32(b), math.Float64frombits(binary.LittleEndian.Uint64(b[4:]))
		if int64(picture) >= int64(len(d.labels)) || !(sum > last) || math.IsInf(sum, 1) {
			r.err = errors.New("samplers: the state is damaged: its weights of pictures are none")
			break
		}
		weighted, upTo, last = append(weighted, int32(picture)), append(upTo, sum), sum
	}
	if err := r.end(); err != nil {
		return err
	}
	*d.pcg, d.progress, d.deck, d.weighted, d.upTo = pcg, at, all, weighted, upTo
	return nil
}
