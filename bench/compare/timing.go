package main

import (
	"slices"
	"time"
)

// job is what a child process is told, as JSON, in its argument.
type job struct {
	workload
	Threads  int     `json:"threads"`
	Seconds  float64 `json:"seconds"`             // to measure
	Variant  string  `json:"variant"`             // the side's name; the Python side is several
	Way      string  `json:"way,omitempty"`       // which of several ways to go; the Python side finds the fastest if empty
	Device   string  `json:"device,omitempty"`    // cuda or cuda:N; empty: the CPU
	AnyOrder bool    `json:"any_order,omitempty"` // our side may make sums in any order on a GPU
	Models   string  `json:"models,omitempty"`    // of embed: the folder with the models' files
	Compile  float64 `json:"compile,omitempty"`   // seconds that the Python side may try to compile for a GPU
}

// measured is what a child says, as JSON, in the last line of its output.
type measured struct {
	Seconds float64  `json:"seconds"`                 // median of one run of the workload
	Best    float64  `json:"best"`                    // least of them
	Runs    int      `json:"runs"`                    // that were measured
	Cores   float64  `json:"cores"`                   // CPU time ÷ wall time while measuring
	Value   float64  `json:"value,omitempty"`         // of the loss, recall …, to see that both sides compute the same
	Rate    float64  `json:"rate,omitempty"`          // of peak: GFLOP/s
	Before  int64    `json:"before,omitempty"`        // most memory held before the work, in bytes
	Peak    int64    `json:"peak,omitempty"`          // most memory held, in bytes
	Device  int64    `json:"device_memory,omitempty"` // most memory held of a GPU, in bytes
	Way     string   `json:"way,omitempty"`           // which of several ways was the fastest
	Tried   []string `json:"tried,omitempty"`         // the ways on a GPU, with their times or why they do not go
	Error   string   `json:"error,omitempty"`         // why there is no result
	Started float64  `json:"started,omitempty"`       // of start: seconds to the first step, by the parent's clock
}

// Both sides measure by these rules: first warmUps runs that do not count, one if it is
// slow; then runs until the time is up, at least atLeast, but no more than five times as
// long as was asked for.
const (
	warmUps = 3
	atLeast = 3
	mostOf  = 5
)

// clock says what time it is. Whoever measures is given one, so that a test of the rules says
// how long each run takes, however busy the machine is.
type clock func() time.Time

func (now clock) since(began time.Time) float64 { return now().Sub(began).Seconds() }

// measure times run.
func measure(seconds float64, run func() error) (measured, error) {
	return clock(time.Now).measure(seconds, run)
}

func (now clock) measure(seconds float64, run func() error) (m measured, err error) {
	for i := range warmUps {
		began := now()
		if err := run(); err != nil {
			return m, err
		}
		if i == 0 && now.since(began) > seconds/2 {
			break
		}
	}
	var times []float64
	cpu, began := cpuSeconds(), now()
	for last := began; ; {
		if err := run(); err != nil {
			return m, err
		}
		ended := now()
		times = append(times, ended.Sub(last).Seconds())
		last = ended
		total := ended.Sub(began).Seconds()
		if total >= seconds && len(times) >= atLeast || total >= mostOf*seconds {
			m.Cores = (cpuSeconds() - cpu) / total
			break
		}
	}
	m.Seconds, m.Best, m.Runs = median(times), slices.Min(times), len(times)
	return m, nil
}
