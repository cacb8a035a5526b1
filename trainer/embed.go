package trainer

import (
	"context"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/needs"
	"medusa/metrics"
)

// Embed is the embeddings (N, E) of d's items, row-major, with the weights as they
// are: the initial ones before Run, those of the model after it.
func (t *Trainer) Embed(ctx context.Context, d datasets.Set) ([]float32, error) {
	return withWeights(ctx, t, d, func(set *items) ([]float32, error) { return t.embed(ctx, set, "embedding "+set.noun()) })
}

// withWeights is withSet for what looks at the weights as they are, with what Params lent and somebody
// changed.
func withWeights[T any](ctx context.Context, t *Trainer, d datasets.Set, do func(*items) (T, error)) (T, error) {
	return withSet(ctx, t, d, func(set *items) (result T, err error) {
		if err := t.takeBack(t.stage == settled); err != nil {
			return result, err
		}
		return do(set)
	})
}

// withSet calls do with a set that somebody gave to be embedded, whose labels may be anything, while
// nobody else uses the trainer.
func withSet[T any](ctx context.Context, t *Trainer, d datasets.Set, do func(*items) (T, error)) (result T, err error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return result, err
	}
	if err := t.use.Begin(theTrainer); err != nil {
		return result, err
	}
	defer t.use.End()
	if err := datasets.CheckShape(d); err != nil {
		return result, errors.WithMessage(err, "trainer")
	}
	return do(itemsOf(d))
}

// embed is Embed for those who use the trainer already; the hooks are told of it as that work.
func (t *Trainer) embed(ctx context.Context, d *items, work string) ([]float32, error) {
	e, err := t.embedder()
	if err != nil {
		return nil, err
	}
	x, err := e.Set(ctx, d.Set, t.data.Norm, func(done, total int) { t.progress(ctx, work, done, total) })
	if err != nil && d.dataset() == nil && ctx.Err() == nil {
		return nil, errors.WithMessagef(err, "trainer: embedding at step %d", t.state.Step)
	}
	return x, err
}

// EmbedUntrained is Embed with the weights as they were initialised, also in a resumed
// run or after it. Where they came from a model (Config.FineTune.From), that must still be there.
func (t *Trainer) EmbedUntrained(ctx context.Context, d datasets.Set) ([]float32, error) {
	return withSet(ctx, t, d, func(set *items) ([]float32, error) { return t.embedUntrained(ctx, set) })
}

// embedUntrained is EmbedUntrained for those who use the trainer already.
func (t *Trainer) embedUntrained(ctx context.Context, d *items) ([]float32, error) {
	params := graph.NewParams(t.cfg.Seed)
	e, err := t.newEmbedder(params)
	if err != nil {
		return nil, err
	}
	defer func() {
		e.Close()
		t.device.Release(graph.Tensors(params)...)
	}()
	if err := t.startParams(params); err != nil {
		return nil, err
	}
	return e.Set(ctx, d.Set, t.data.Norm, func(done, total int) {
		t.progress(ctx, "embedding pictures with the initial weights", done, total)
	})
}

// EmbeddingSize is the length E of an embedding.
func (t *Trainer) EmbeddingSize() int { return t.views.Size(t.train.size) }

// Evaluate measures retrieval and clustering among d's items.
func (t *Trainer) Evaluate(ctx context.Context, d datasets.Set) (metrics.Result, error) {
	return withWeights(ctx, t, d, func(set *items) (metrics.Result, error) {
		if err := datasets.Check(set.Set, t.data.Train.Set); err != nil {
			return metrics.Result{}, errors.WithMessage(err, "trainer: evaluation")
		}
		return t.measure(ctx, set, true)
	})
}
