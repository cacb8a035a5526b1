package samplers

import (
	"encoding/binary"
	"math"

	"github.com/pkg/errors"
)

// observationsState is what a state holds of observations.
type observationsState struct {
	pictures int
	comesUp  func(picture int) bool
	batch    int

	delay, drawn, handed, observed, size int

	recent     [][]int
	waiting    [][]float32
	known      []int32
	isKnown    []bool
	embeddings []float32
}

func (n *observationsState) read(r *stateReader) {
	n.delay = r.below(math.MaxInt32, "the delay")
	n.drawn = r.below(math.MaxInt, "the number of batches")
	n.handed = r.below(n.drawn, "the number of batches yielded")
	n.observed = r.below(n.handed, "the number of batches observed")
	recent := r.below(min(n.drawn, 2*n.delay+1), "the number of batches kept")
	waiting := r.below(n.observed, "the number of batches waiting")
	n.size = r.below(len(r.bytes)/4, "the size of an embedding")
	known := r.below(min(n.pictures, len(r.bytes)), "the number of embeddings")
	n.check(r, recent, waiting, known)
	if r.err != nil {
		return
	}
	for range recent {
		n.recent = append(n.recent, n.indices(r))
	}
	for range waiting {
		n.waiting = append(n.waiting, r.floats(n.batch*n.size))
	}
	n.places(r, known)
}

// check refuses numbers that no sampler comes to.
func (n *observationsState) check(r *stateReader, recent, waiting, known int) {
	if r.err != nil {
		return
	}
	switch {
	case n.delay < 1, n.drawn-n.handed > recent, waiting > 0 && n.drawn-(n.observed-waiting) > recent,
		n.size == 0 && waiting+known > 0, n.size > 0 && n.observed == 0,
		recent < min(n.drawn, 2*n.delay+1), recent > len(r.bytes)/4/n.batch, waiting > len(r.bytes)/4/n.batch:
		r.err = errors.New("samplers: the state is damaged: its numbers of batches do not go together")
	case n.size > 0 && n.size > math.MaxInt/4/max(n.pictures, n.batch):
		r.err = errors.Errorf("samplers: the state is damaged: embeddings of %d numbers", n.size)
	}
}

// indices reads a batch.
func (n *observationsState) indices(r *stateReader) []int {
	b := r.take(4 * n.batch)
	if r.err != nil {
		return nil
	}
	batch := make([]int, n.batch)
	for i := range batch {
		batch[i] = n.picture(r, b[4*i:])
	}
	return batch
}

// picture reads a picture of a class that is drawn from; 0 after an error.
func (n *observationsState) picture(r *stateReader, b []byte) int {
	p := binary.LittleEndian.Uint32(b)
	if int64(p) >= int64(n.pictures) || !n.comesUp(int(p)) {
		if r.err == nil {
			r.err = errors.Errorf("samplers: the state is damaged: picture %d is not drawn from", p)
		}
		return 0
	}
	return int(p)
}

// places reads the embeddings of the pictures that have one.
func (n *observationsState) places(r *stateReader, known int) {
	n.isKnown = make([]bool, n.pictures)
	if r.err != nil || n.size == 0 {
		return
	}
	if r.bytes == nil || known*(n.size+1) > len(r.bytes)/4 {
		r.take(len(r.bytes) + 1) // cut short
		return
	}
	n.embeddings = make([]float32, n.pictures*n.size)
	for range known {
		b := r.take(4)
		if r.err != nil {
			return
		}
		p := n.picture(r, b)
		if r.err == nil && n.isKnown[p] {
			r.err = errors.Errorf("samplers: the state is damaged: picture %d has two embeddings", p)
		}
		n.isKnown[p] = true
		n.known = append(n.known, int32(p))
		copy(n.embeddings[p*n.size:(p+1)*n.size], r.floats(n.size))
	}
}

func (w *stateWriter) floats(values []float32) {
	for _, v := range values {
		w.bytes = binary.LittleEndian.AppendUint32(w.bytes, math.Float32bits(v))
	}
}

func (r *stateReader) floats(n int) []float32 {
	if n > len(r.bytes)/4 {
		n = len(r.bytes) // cut short
	}
	b := r.take(4 * n)
	if r.err != nil {
		return nil
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return values
}
