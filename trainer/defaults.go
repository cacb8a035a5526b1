package trainer

import (
	"cmp"

	"medusa/datasets"
	"medusa/nets"
	"medusa/samplers"
)

// Default is a Config to begin with: every setting that does not depend on the data has its
// value, and what is changed means what it says, also where it is 0.
func Default() Config {
	return Config{
		Data: DataConfig{
			Layout: datasets.LayoutAuto, Resize: datasets.Squeeze, Range: datasets.RangeAuto, Normalise: "auto", Copies: TellCopies,
			MaxPixels: datasets.DefaultMaxPixels, CacheBytes: datasets.DefaultCacheBytes,
		},
		Net:      nets.Config{Embedding: 64, Activation: "relu", Pooling: "max", Head: "avg"},
		Loss:     "triplet:mining=batch-hard,margin=0.2",
		Sampler:  samplers.Config{Name: "pk"},
		Solver:   DefaultSolver("adam"),
		Schedule: DefaultSchedule("constant"),
		Seed:     1, EvalBatch: 128, Metric: "recall_at_1", Keep: Best, CheckpointEvery: 100, LogEvery: 10,
		Device: "cpu",
	}
}

// DefaultSolver is the solver name with its published numbers; adam if name is empty. Of a
// solver that there is not it has the name alone.
func DefaultSolver(name string) SolverConfig {
	s := SolverConfig{Name: cmp.Or(name, "adam"), LR: 1e-3, LossLR: 1}
	switch s.Name {
	case "sgd":
		s.LR = 0.05
	case "adam", "adamw":
		s.Beta1, s.Beta2, s.Eps = 0.9, 0.999, 1e-8
	case "rmsprop":
		s.Alpha, s.Eps = 0.99, 1e-8
	default:
		return SolverConfig{Name: name}
	}
	return s
}

// DefaultSchedule is the schedule name with its numbers; constant if name is empty. Every is
// a third of the run, whose length is not known here.
func DefaultSchedule(name string) ScheduleConfig {
	s := ScheduleConfig{Name: cmp.Or(name, "constant")}
	switch s.Name {
	case "step":
		s.Gamma = 0.1
	case "plateau":
		s.Gamma, s.Wait = 0.1, 3
	}
	return s
}

// defaults fills in what cannot be meant as it is. Where Beta2 and Eps are given a Beta1 of 0
// is one: who begins with DefaultSolver, as every file does, can write it.
func (s SolverConfig) defaults() SolverConfig {
	d := DefaultSolver(s.Name)
	if s.Beta2 == 0 || s.Eps == 0 {
		s.Beta1 = cmp.Or(s.Beta1, d.Beta1)
	}
	s.Name = d.Name
	s.LR, s.LossLR = cmp.Or(s.LR, d.LR, 1e-3), cmp.Or(s.LossLR, d.LossLR, 1)
	s.Beta2, s.Alpha, s.Eps = cmp.Or(s.Beta2, d.Beta2), cmp.Or(s.Alpha, d.Alpha), cmp.Or(s.Eps, d.Eps)
	return s
}

func (s ScheduleConfig) defaults(steps int) ScheduleConfig {
	d := DefaultSchedule(s.Name)
	s.Name, s.Gamma, s.Wait = d.Name, cmp.Or(s.Gamma, d.Gamma), cmp.Or(s.Wait, d.Wait)
	if s.Name == "step" && steps > 0 {
		s.Every = cmp.Or(s.Every, max(steps/3, 1))
	}
	return s
}

// Prototypes makes the defaults of each kind of solver and schedule, by the path of its struct
// in Config: what parameters are that a file or a flag with the name of a kind leaves out.
func Prototypes() map[string]func(kind string) any {
	return map[string]func(kind string) any{
		"Solver":   func(kind string) any { return DefaultSolver(kind) },
		"Schedule": func(kind string) any { return DefaultSchedule(kind) },
	}
}
