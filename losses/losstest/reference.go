package losstest

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/losses"
)

// reference checks a loss between a batch and a reference set of another size: its gradients to
// both, that the order of neither says anything, corners, and one graph for all labellings.
func (b *bench) reference() error {
	loss := b.loss
	if b.fresh != nil {
		loss = b.fresh()
	}
	e, err := losses.NewReferenceEvaluator(loss, Batch, Reference, Embedding, tensor.Float64)
	if b.is(noReference) {
		if err == nil {
			e.Close()
			return errors.New("losstest: the loss takes a reference set and does not compare with it; want an error, such as that of pairs.Batch.NoReference")
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer e.Close()
	value := func(in between) (losses.Value, error) { return e.ValueBetween(in.batch, in.ref) }
	r := &referenceBench{bench: b, value: value}
	if b.fresh != nil {
		rewind := rewinder(loss)
		r.quick = func(in between) (losses.Value, error) {
			rewind()
			return value(in)
		}
		r.value = b.freshBetween
	}
	for i, in := range r.batches() {
		slopes := entries
		if i > 0 {
			slopes = b.directions()
		}
		if err := r.check(in, slopes); err != nil {
			return errors.Wrap(err, in.name)
		}
	}
	return nil
}

// freshBetween is the value of a fresh loss.
func (b *bench) freshBetween(in between) (losses.Value, error) {
	e, err := losses.NewReferenceEvaluator(b.fresh(), Batch, Reference, Embedding, tensor.Float64)
	if err != nil {
		return losses.Value{}, err
	}
	defer e.Close()
	return e.ValueBetween(in.batch, in.ref)
}

type referenceBench struct {
	*bench
	value, quick func(between) (losses.Value, error) // see compareSlopes
}

// between is a batch with a reference set.
type between struct {
	name       string
	batch, ref losses.Rows
	corner     bool // differences say nothing there
}

// rows are n random embeddings with labels of the given number of classes.
func (b *bench) rows(n, classes int) losses.Rows {
	in := b.random("", Batch)
	r := losses.Rows{Embeddings: in.x[:n*Embedding]}
	for i := range n {
		r.Labels = append(r.Labels, i%classes)
		r.Embeddings[i*Embedding+i%classes%Embedding]++
	}
	return r
}

func (r *referenceBench) batches() []between {
	apart := between{name: "no label in both", batch: r.rows(Batch, 2), ref: r.rows(Reference, 2), corner: true}
	for i := range apart.ref.Labels {
		apart.ref.Labels[i] += 2
	}
	same := between{name: "the reference set is of the batch", batch: r.rows(Batch, 3), ref: r.rows(Reference, 3), corner: true}
	copy(same.ref.Embeddings, same.batch.Embeddings)
	return []between{
		{name: "3 classes in both", batch: r.rows(Batch, 3), ref: r.rows(Reference, 3)},
		{name: "4 classes, 2 of them in the reference set", batch: r.rows(Batch, 4), ref: r.rows(Reference, 2)},
		{name: "one class", batch: r.rows(Batch, 1), ref: r.rows(Reference, 1), corner: true},
		apart, same,
	}
}

func (r *referenceBench) check(in between, slopes slopes) error {
	v, err := r.value(in)
	if err != nil {
		return err
	}
	if err := finite(v); err != nil {
		return err
	}
	if len(v.Reference) != Reference*Embedding {
		return errors.Errorf("losstest: a gradient of %d numbers to the reference set, want %d", len(v.Reference), Reference*Embedding)
	}
	if !in.corner && !r.is(stopsGradient) {
		if err := r.differences(in, v, slopes); err != nil {
			return err
		}
	}
	if r.is(positional) || r.is(random) || in.corner {
		return nil
	}
	return r.reorder(in, v)
}

func (r *referenceBench) differences(in between, v losses.Value, slopes slopes) error {
	if err := compareSlopes("gradient", v.Gradient, in.batch.Embeddings, slopes, in, r.quick, r.value); err != nil {
		return err
	}
	return compareSlopes("gradient to the reference set", v.Reference, in.ref.Embeddings, slopes, in, r.quick, r.value)
}

// reorder turns batch and reference set around.
func (r *referenceBench) reorder(in between, want losses.Value) error {
	got, err := r.value(between{batch: turned(in.batch), ref: turned(in.ref)})
	if err != nil {
		return err
	}
	want.Gradient = turned(losses.Rows{Embeddings: want.Gradient, Labels: in.batch.Labels}).Embeddings
	want.Reference = turned(losses.Rows{Embeddings: want.Reference, Labels: in.ref.Labels}).Embeddings
	return compareValues("reordered", got, want, 1e-9)
}

// turned are rows from the last to the first.
func turned(r losses.Rows) losses.Rows {
	out := losses.Rows{Labels: slices.Clone(r.Labels)}
	slices.Reverse(out.Labels)
	for i := len(r.Labels) - 1; i >= 0; i-- {
		out.Embeddings = append(out.Embeddings, r.Embeddings[i*Embedding:(i+1)*Embedding]...)
	}
	return out
}
