package main

import (
	"context"
	"time"
)

// plan is how the workloads are measured.
type plan struct {
	workloads []workload
	threads   []int
	sides     []side // ours first
	repeat    int    // rounds
	seconds   float64
	limit     time.Duration // of one process
	device    string        // cuda or cuda:N; empty: the CPU
	anyOrder  bool          // our side may make sums in any order on a GPU
	compile   time.Duration // that the Python side may try to compile for a GPU
	models    string        // folder with the models' files
	told      func(w workload, threads, round int, side string, m measured)
}

// outcome is a workload with so many threads.
type outcome struct {
	workload workload
	threads  int                   // 0 on a GPU
	rounds   map[string][]measured // of each side
}

// run goes through the workloads; in each round every side has its turn. A side that
// fails has no further turns at that workload, and one that found the fastest of several
// ways goes it from then on. What was measured before an error comes
// back with it.
func (p plan) run(ctx context.Context) ([]outcome, error) {
	var out []outcome
	for _, w := range p.workloads {
		for _, threads := range p.threads {
			o := outcome{workload: w, threads: threads, rounds: map[string][]measured{}}
			if err := p.rounds(ctx, o); err != nil {
				return out, err
			}
			out = append(out, o)
		}
	}
	return out, nil
}

func (p plan) rounds(ctx context.Context, o outcome) error {
	failed, way := map[string]bool{}, map[string]string{}
	for round := range p.repeat {
		for _, s := range p.sides {
			if failed[s.name] || !s.does(o.workload) {
				continue
			}
			m, err := s.do(ctx, job{workload: o.workload, Threads: o.threads, Seconds: p.seconds, Way: way[s.name],
				Device: p.device, AnyOrder: p.anyOrder, Models: p.models, Compile: p.compile.Seconds()}, p.limit)
			if err != nil {
				return err
			}
			failed[s.name], way[s.name] = m.Error != "", m.Way
			o.rounds[s.name] = append(o.rounds[s.name], m)
			p.told(o.workload, o.threads, round, s.name, m)
		}
	}
	return nil
}

// of is a quantity in every round of a side that gave it.
func (o outcome) of(side string, get func(measured) float64) []float64 {
	var out []float64
	for _, m := range o.rounds[side] {
		if v := get(m); m.Error == "" && v > 0 {
			out = append(out, v)
		}
	}
	return out
}

// failure is why a side has no result, or nothing.
func (o outcome) failure(side string) string {
	for _, m := range o.rounds[side] {
		if m.Error != "" {
			return m.Error
		}
	}
	return ""
}
