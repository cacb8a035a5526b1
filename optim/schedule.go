package optim

import (
	"cmp"
	"math"
	"reflect"

	"medusa/internal/settings"
)

// Schedule is a learning rate over a run.
type Schedule interface {
	// Factor is the learning rate of a step, counted from 1, ÷ that of the configuration: a number
	// of at least 0. It is asked in any order, and gives the same for the same step as long as
	// nothing is evaluated.
	Factor(step int) float64
}

// Watching is a Schedule that depends on evaluations. Its exported fields are its state, which is
// saved with a run as JSON.
type Watching interface {
	Schedule
	// Evaluated tells the schedule whether the figures of an evaluation are better than any before.
	Evaluated(improved bool)
}

// ScheduleFunc is a function as a Schedule.
type ScheduleFunc func(step int) float64

// Factor calls the function.
func (f ScheduleFunc) Factor(step int) float64 { return f(step) }

// ScheduleConfig chooses and configures a schedule. Numbers that are 0 though 0 cannot be meant are
// those of DefaultSchedule.
type ScheduleConfig struct {
	Name   string  `json:"name,omitempty" yaml:"name,omitempty" flag:"schedule" arg:"NAME:KEY=VALUE,…" doc:"constant, step:every=N,gamma=0.1, cosine:floor=0, plateau:gamma=0.1,wait=3" kind:"a schedule"` // constant if empty
	Warmup int     `json:"warmup,omitempty" yaml:"warmup,omitempty" flag:"warmup" arg:"STEPS" doc:"steps over which the rate rises from 0" min:"0" want:"a number of steps"`                               // before any of these
	Every  int     `json:"every,omitempty" yaml:"every,omitempty" doc:"step: steps between two drops" min:"1" unset:"a third of the run" for:"step" want:"a number of steps"`
	Gamma  float64 `json:"gamma,omitempty" yaml:"gamma,omitempty" doc:"step, plateau: factor of a drop" above:"0" below:"1" unset:"0.1" for:"step,plateau" want:"a factor between 0 and 1"`
	Floor  float64 `json:"floor,omitempty" yaml:"floor,omitempty" doc:"cosine, plateau: least rate ÷ -lr" min:"0" below:"1" for:"cosine,plateau" want:"a share of the learning rate from 0 to below 1"`
	Wait   int     `json:"wait,omitempty" yaml:"wait,omitempty" doc:"plateau: evaluations without better figures, as for -patience, before a drop" min:"1" unset:"3" for:"plateau" want:"a number of evaluations"`
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

// Defaults fills in what cannot be meant as it is, for a run of so many steps; 0 where that is not
// known.
func (c ScheduleConfig) Defaults(steps int) ScheduleConfig {
	d := DefaultSchedule(c.Name)
	c.Name, c.Gamma, c.Wait = d.Name, cmp.Or(c.Gamma, d.Gamma), cmp.Or(c.Wait, d.Wait)
	if c.Name == "step" && steps > 0 {
		c.Every = cmp.Or(c.Every, max(steps/3, 1))
	}
	return c
}

// Validate lists all that is wrong with the fields.
func (c ScheduleConfig) Validate() error {
	c = c.Defaults(0)
	return faultsOf(c, scheduleSchema, c.Name, ScheduleKinds()).err()
}

var scheduleSchema = settings.Of(reflect.TypeFor[ScheduleConfig](), nil)

// NewSchedule makes a schedule for a run of so many steps. That of plateau is Watching.
func NewSchedule(c ScheduleConfig, steps int) (Schedule, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.Defaults(max(steps, 1))
	s := schedule{cfg: c, steps: steps}
	if c.Name == "plateau" {
		return &plateau{schedule: s}, nil
	}
	return s, nil
}

// schedule is one that depends on the step alone.
type schedule struct {
	cfg   ScheduleConfig
	steps int
}

// Factor is that of the step.
func (s schedule) Factor(step int) float64 {
	if step <= s.cfg.Warmup {
		return float64(step) / float64(s.cfg.Warmup+1)
	}
	switch s.cfg.Name {
	case "step":
		return math.Pow(s.cfg.Gamma, float64((step-1)/s.cfg.Every))
	case "cosine":
		// I. Loshchilov and F. Hutter, "SGDR", ICLR 2017, equation 5, one cycle.
		done := float64(step-1-s.cfg.Warmup) / float64(max(s.steps-s.cfg.Warmup, 1))
		return s.cfg.Floor + (1-s.cfg.Floor)*0.5*(1+math.Cos(math.Pi*min(done, 1)))
	}
	return 1
}
