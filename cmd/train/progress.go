package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/metrics"
	"medusa/trainer"
)

// progress shows a run: a live line on a terminal, plain lines in a pipe.
type progress struct {
	screen  *terminal.Screen
	task    *terminal.Task
	working string    // what the task is about
	last    time.Time // of the last plain line
	lineGap time.Duration
}

func newProgress(screen *terminal.Screen) *progress {
	return &progress{screen: screen, lineGap: 5 * time.Second}
}

// hook is what the trainer tells about.
func (p *progress) hook() trainer.Hook {
	return trainer.Hook{Start: p.start, Step: p.step, Evaluated: p.evaluated, Warned: p.warned, Progress: p.progress}
}

func (p *progress) start(_ context.Context, i trainer.StartInfo) error {
	what := fmt.Sprintf("%s parameters", wording.Thousands(i.Parameters))
	if i.LossParams > 0 {
		what += fmt.Sprintf(" and %s of the loss", wording.Thousands(i.LossParams))
	}
	p.screen.Sayf("training %s: %s; %d steps of %d pictures, %d steps an epoch", i.Dir, what, i.Steps, i.Batch, i.StepsPerEpoch)
	if i.LeftOut != "" {
		p.screen.Say("all that was left out, with reasons: " + i.LeftOut)
	}
	if i.Step > 0 {
		p.screen.Sayf("going on after step %d", i.Step)
	}
	return nil
}

// work shows that what has begun, if it has not yet.
func (p *progress) work(what string) *terminal.Task {
	if p.working != what {
		p.task, p.working = p.screen.Begin(what), what
	}
	return p.task
}

// close ends the live line.
func (p *progress) close() {
	p.task.End()
	p.task, p.working = nil, ""
}

func (p *progress) progress(_ context.Context, i trainer.ProgressInfo) {
	p.work(i.Work).Progress(i.Done, i.Total)
}

func (p *progress) step(_ context.Context, i trainer.StepInfo) error {
	t := p.work("training")
	t.Progress(i.Step, i.Steps)
	if p.screen.Live() {
		t.Detail(func(room int) string { return fit(room, i) })
		return nil
	}
	now := time.Now()
	if i.Step == 1 || i.Step == i.Steps || now.Sub(p.last) >= p.lineGap {
		p.last = now
		p.screen.Sayf("step %d/%d  %s", i.Step, i.Steps, strings.Join(describe(i, wide), "  "))
	}
	return nil
}

// fit is the longest description of a step that room columns hold: a line that wraps
// cannot be wiped. What goes first is said last.
func fit(room int, i trainer.StepInfo) string {
	step := fmt.Sprintf("%d/%d", i.Step, i.Steps)
	parts := append([]string{step}, describe(i, wide)...)
	line := strings.Join(parts, "  ")
	if len(line) <= room {
		return line
	}
	parts = describe(i, narrow)
	for len(parts) > 1 && len(strings.Join(parts, " ")) > room {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, " ")
}

// style is how the figures of a step are written.
type style struct{ rate, active, distance, norm string }

var (
	wide   = style{"%.0f img/s", "active %.0f%%", "%.3f", "%.2f"}
	narrow = style{"%.0f/s", "act %.0f%%", "%.2f", "%.1f"}
)

// describe is the state after a step, the most telling figures first.
func describe(i trainer.StepInfo, s style) []string {
	parts := []string{fmt.Sprintf("loss %.4f", i.Loss)}
	if i.ImagesPerSecond > 0 { // not known at once
		parts = append(parts, fmt.Sprintf(s.rate, i.ImagesPerSecond), "left "+terminal.Clock(i.ETA))
	}
	if i.HasActive {
		parts = append(parts, fmt.Sprintf(s.active, 100*i.ActiveShare))
	}
	parts = append(parts, fmt.Sprintf("d+ "+s.distance, i.MeanPositive), fmt.Sprintf("d- "+s.distance, i.MeanNegative),
		fmt.Sprintf("|e| "+s.norm, i.EmbeddingNorm))
	if i.WaitShare > 0.05 {
		parts = append(parts, fmt.Sprintf("waiting %.0f%%", 100*i.WaitShare))
	}
	return parts
}

func (p *progress) evaluated(_ context.Context, i trainer.EvalInfo) error {
	when := fmt.Sprintf("at step %d", i.Step)
	if i.Phase != trainer.During { // after: the model, which may be of an earlier step
		when = string(i.Phase) + " training"
	}
	if i.Phase == trainer.RawPixels {
		when = "by raw " + rawValues(i.Items)
	}
	line := fmt.Sprintf("%s %s: %s", i.Set, when, headline(i.Result))
	if i.Phase == trainer.During && i.Leads {
		line += "  best so far"
	}
	p.screen.Say(line)
	return nil
}

func (p *progress) warned(_ context.Context, w trainer.Warning) error {
	when := "before training"
	if w.Step > 0 {
		when = fmt.Sprintf("at step %d", w.Step)
	}
	p.screen.Sayf("warning %s: %s\n  %s", when, w.Message, w.Advice)
	return nil
}

// headline is the figures that one looks at first.
func headline(r metrics.Result) string {
	var parts []string
	if v, ok := r.RecallOf(1); ok {
		parts = append(parts, fmt.Sprintf("Recall@1 %.3f", v))
	}
	parts = append(parts, fmt.Sprintf("MAP@R %.3f", r.MAPAtR))
	if r.Clustered {
		parts = append(parts, fmt.Sprintf("NMI %.3f", r.NMI))
	}
	return strings.Join(parts, "  ")
}
