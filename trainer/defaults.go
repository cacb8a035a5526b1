package trainer

import (
	"medusa/datasets"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// Default is a Config to begin with: every setting that does not depend on the data has its
// value, and what is changed means what it says, also where it is 0.
func Default() Config {
	return Config{
		Data: DataConfig{
			Layout: datasets.LayoutAuto, Resize: datasets.Squeeze, Filter: datasets.Bilinear, Align: datasets.AlignNone, Range: datasets.RangeAuto, Normalise: "auto", Copies: TellCopies,
			MaxPixels: datasets.DefaultMaxPixels, CacheBytes: datasets.DefaultCacheBytes,
		},
		Net:      nets.Config{Embedding: 64, Activation: "relu", Pooling: "max", Head: "avg"},
		Loss:     "triplet:mining=batch-hard,margin=0.2",
		Sampler:  samplers.Config{Name: "pk"},
		Solver:   optim.Default("adam"),
		Schedule: optim.DefaultSchedule("constant"),
		Seed:     1, EvalBatch: 128, Metric: "recall_at_1", Keep: Best, CheckpointEvery: 100, LogEvery: 10,
		Device: "cpu",
	}
}

// Prototypes makes the defaults of each kind of solver and schedule, by the path of its struct
// in Config: what parameters are that a file or a flag with the name of a kind leaves out.
func Prototypes() map[string]func(kind string) any {
	return map[string]func(kind string) any{
		"Solver":   func(kind string) any { return optim.Default(kind) },
		"Schedule": func(kind string) any { return optim.DefaultSchedule(kind) },
	}
}
