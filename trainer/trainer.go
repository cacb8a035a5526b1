package trainer

import (
	"context"
	"log/slog"

	"medusa/datasets"
	"medusa/metrics"
)

// Options are the parts of a run that are not its configuration.
type Options struct {
	Dir    string       // run folder; made by New, which refuses one that is not empty
	Hooks  []Hook       // told in this order
	Logger *slog.Logger // discarded if nil
}

// Trainer is one run.
type Trainer struct{}

// New prepares a run in the folder o.Dir.
func New(cfg Config, data Data, o Options) (*Trainer, error) { return nil, nil }

// Resume prepares to go on with the run in the folder o.Dir. data must be what the run
// was begun with; Stored tells its configuration.
func Resume(data Data, o Options) (*Trainer, error) { return nil, nil }

// Stored is the configuration of the run in the folder dir.
func Stored(dir string) (Config, error) { return Config{}, nil }

// Run trains to the end.
func (t *Trainer) Run(ctx context.Context) (Result, error) { return Result{}, nil }

// Embed is the embeddings (N, E) of d's pictures, row-major.
func (t *Trainer) Embed(ctx context.Context, d *datasets.Dataset) ([]float32, error) { return nil, nil }

// Evaluate measures retrieval and clustering among d's pictures.
func (t *Trainer) Evaluate(ctx context.Context, d *datasets.Dataset) (metrics.Result, error) {
	return metrics.Result{}, nil
}
