package main

import (
	"fmt"
	"math"
	"strings"
)

// row is one comparison: a quantity of a workload, against one rival.
type row struct {
	Workload   string  `json:"workload"`
	Quantity   string  `json:"quantity"`          // time, first step, memory, extra memory or device memory
	Unit       string  `json:"unit"`              // s or bytes
	Threads    int     `json:"threads,omitempty"` // 0 on a GPU
	TF32       bool    `json:"tf32,omitempty"`
	Ours       summary `json:"medusa"`
	Rate       string  `json:"rate,omitempty"` // ours, such as 2000 images/s
	Rival      string  `json:"rival,omitempty"`
	Theirs     summary `json:"theirs,omitzero"`
	RivalRate  string  `json:"rival_rate,omitempty"`
	Ratio      summary `json:"ratio,omitzero"` // theirs ÷ ours
	Target     string  `json:"target,omitempty"`
	Met        string  `json:"met,omitempty"` // yes, or no; empty without a target, or while it cannot be told
	Cores      float64 `json:"cores,omitempty"`
	RivalCores float64 `json:"rival_cores,omitempty"`
	Note       string  `json:"note,omitempty"`
}

// quantity is something that is compared.
type quantity struct {
	name, unit string
	get        func(measured) float64
	target     float64 // least ratio
	below      float64 // what ours must stay below
}

func quantities(w workload) []quantity {
	var all []quantity
	if w.Kind == "start" {
		all = append(all, quantity{"first step", "s", func(m measured) float64 { return m.Started }, w.target, startWithin})
	} else {
		all = append(all, quantity{"time", "s", func(m measured) float64 { return m.Seconds }, w.target, 0})
	}
	switch w.memory.kind {
	case "process":
		all = append(all, quantity{"memory", "bytes", func(m measured) float64 { return float64(m.Peak) }, w.memory.target, 0})
	case "extra":
		all = append(all, quantity{"extra memory", "bytes", func(m measured) float64 { return float64(m.Peak - m.Before) }, w.memory.target, w.memory.below})
	case "device":
		all = append(all, quantity{deviceMemory, "bytes", func(m measured) float64 { return float64(m.Device) }, w.memory.target, w.memory.below})
	}
	return all
}

const deviceMemory = "device memory"

// startWithin is the time, in seconds, from the start of a process to the end of its
// first step that is aimed at.
const startWithin = 0.3

// tabulate makes the rows of the table, one for each quantity and rival.
func tabulate(outcomes []outcome, sides []string) []row {
	peaks := map[int]float64{} // GFLOP/s of so many threads
	var rows []row
	for _, o := range outcomes {
		if o.workload.Kind == "peak" {
			peaks[o.threads] = median(o.of(ours, func(m measured) float64 { return m.Rate }))
		}
		for _, q := range quantities(o.workload) {
			alone := true
			for _, rival := range sides {
				if rival != ours && len(o.rounds[rival]) > 0 {
					rows = append(rows, compare(o, q, rival, peaks))
					alone = false
				}
			}
			if alone {
				rows = append(rows, compare(o, q, "", peaks))
			}
		}
	}
	return rows
}

func compare(o outcome, q quantity, rival string, peaks map[int]float64) row {
	a, b := o.of(ours, q.get), o.of(rival, q.get)
	r := row{
		Workload: o.workload.name(), Quantity: q.name, Unit: q.unit, Threads: o.threads, TF32: o.workload.TF32, Rival: rival,
		Ours: summarise(a), Theirs: summarise(b), Ratio: ratios(a, b),
	}
	if q.unit == "s" {
		r.Cores, r.RivalCores = cores(o, ours), cores(o, rival)
	}
	if o.workload.library && rival != library || rival == best {
		q.target = 0
	}
	r.judge(q)
	if q.unit == "s" {
		r.Rate, r.RivalRate = rateOf(o, ours, r.Ours.Median), rateOf(o, rival, r.Theirs.Median)
	}
	r.Note = strings.Join(notes(o, q, rival, peaks, r), "; ")
	return r
}

func cores(o outcome, side string) float64 {
	xs := o.of(side, func(m measured) float64 { return m.Cores })
	if len(xs) == 0 {
		return 0
	}
	return median(xs)
}

// judge says what was aimed at and whether it was reached.
func (r *row) judge(q quantity) {
	var aims []string
	open, missed := false, false // an aim is not known to be reached, or known not to be
	aim := func(text string, known, reached bool) {
		aims = append(aims, text)
		open = open || !known
		missed = missed || known && !reached
	}
	if q.target > 0 {
		aim(fmt.Sprintf("≥ %g×", q.target), r.Ratio.Median > 0, r.Ratio.Median >= q.target)
	}
	if q.below > 0 {
		aim("≤ "+amount(q.below, q.unit), r.Ours.Median > 0, r.Ours.Median <= q.below)
	}
	r.Target = strings.Join(aims, ", ")
	switch {
	case missed:
		r.Met = "no"
	case len(aims) > 0 && !open:
		r.Met = "yes"
	}
}

func rateOf(o outcome, side string, seconds float64) string {
	if o.workload.Kind == "peak" {
		if rates := o.of(side, func(m measured) float64 { return m.Rate }); len(rates) > 0 {
			return digits(median(rates)) + " GFLOP/s"
		}
		return ""
	}
	work, unit := o.workload.rate()
	if work == 0 || seconds == 0 {
		return ""
	}
	return digits(work/seconds) + " " + unit
}

// disagree is the relative difference of two sides' values from which they did not
// compute the same; TF32, which rounds to 2⁻¹¹, has its own.
const (
	disagree     = 1e-3
	disagreeTF32 = 1e-2
)

func notes(o outcome, q quantity, rival string, peaks map[int]float64, r row) []string {
	var out []string
	for _, s := range []string{ours, rival} {
		if why := o.failure(s); why != "" {
			out = append(out, s+" failed: "+why)
		}
	}
	if q.unit == "bytes" {
		return out
	}
	if peak := peaks[o.threads]; (o.workload.Kind == "gemm" || o.workload.Kind == "layer") && peak > 0 && r.Ours.Median > 0 {
		work, _ := o.workload.rate()
		out = append(out, fmt.Sprintf("%.0f %% of peak", 100*work/r.Ours.Median/peak))
	}
	if o.workload.Kind == "peak" && r.Cores > 0 && r.Cores < 0.95*float64(o.threads) {
		out = append(out, fmt.Sprintf("threads: %d, cores that they had: %.2f; figures with as many threads do not count", o.threads, r.Cores))
	}
	allowed := disagree
	if o.workload.TF32 {
		allowed = disagreeTF32
	}
	a, b := valueOf(o, ours), valueOf(o, rival)
	if rival != "" && !o.workload.draws && !(o.workload.Kind == "embed" && rival == torch) && r.Ratio.Median > 0 && math.Abs(a-b) > allowed*max(math.Abs(a), math.Abs(b)) {
		differ := fmt.Sprintf("VALUES DIFFER: %g and %g", a, b)
		if o.threads == 0 {
			differ += " of " + rival
		}
		out = append(out, differ)
	}
	if rounds := o.rounds[rival]; len(rounds) > 0 && rounds[0].Way != "" {
		way := rounds[0].Way
		if o.threads == 0 { // the notes of all rivals stand in one cell
			way = rival + ": " + way
		}
		out = append(out, way)
	}
	return out
}

func valueOf(o outcome, side string) float64 {
	for _, m := range o.rounds[side] {
		return m.Value
	}
	return 0
}
