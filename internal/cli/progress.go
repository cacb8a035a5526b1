package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
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
	items   string // what is learned from
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
	p.items = cmp.Or(i.Items, "pictures")
	p.screen.Sayf("training %s: %s; %s of %s, %s an epoch", i.Dir, what,
		wording.Number(i.Steps, "steps"), wording.Number(i.Batch, p.items), wording.Number(i.StepsPerEpoch, "steps"))
	if i.Weights != nil && i.Step == 0 {
		p.screen.Say(i.Weights.String())
	}
	if i.LeftOut != "" {
		p.screen.Say("all that was left out, with reasons: " + i.LeftOut)
	}
	printGroups(p.screen, i)
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
		t.Detail(func(room int) string { return shorten(room, i, p.items) })
		return nil
	}
	now := time.Now()
	if i.Step == 1 || i.Step == i.Steps || now.Sub(p.last) >= p.lineGap {
		p.last = now
		p.screen.Sayf("step %d/%d  %s", i.Step, i.Steps, strings.Join(describe(i, wide, p.items), "  "))
	}
	return nil
}

// shorten is the longest description of a step that room columns hold: a line that wraps
// cannot be wiped. What goes first is said last.
func shorten(room int, i trainer.StepInfo, items string) string {
	step := fmt.Sprintf("%d/%d", i.Step, i.Steps)
	parts := append([]string{step}, describe(i, wide, items)...)
	line := strings.Join(parts, "  ")
	if len(line) <= room {
		return line
	}
	parts = describe(i, narrow, items)
	for len(parts) > 1 && len(strings.Join(parts, " ")) > room {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, " ")
}

// style is how the figures of a step are written.
type style struct{ active, distance, norm string }

var (
	wide   = style{"active %.0f%%", "%.3f", "%.2f"}
	narrow = style{"act %.0f%%", "%.2f", "%.1f"}
)

// unit is that of the speed, with the space before it.
func (s style) unit(items string) string {
	switch {
	case s == narrow:
		return "/s"
	case items == "" || items == "pictures":
		return " img/s"
	}
	return " " + items + "/s"
}

// figure is v by format, or short where v is so large that its digits fill the line.
func figure(format string, v float64) string {
	if math.Abs(v) >= 1e6 {
		format = "%.3g"
	}
	return fmt.Sprintf(format, v)
}

// describe is the state after a step, the most telling figures first.
func describe(i trainer.StepInfo, s style, items string) []string {
	parts := []string{"loss " + figure("%.4f", i.Loss)}
	if i.ImagesPerSecond > 0 { // not known at once
		parts = append(parts, fmt.Sprintf("%.0f%s", i.ImagesPerSecond, s.unit(items)), "left "+terminal.Clock(i.ETA))
	}
	if i.HasActive {
		parts = append(parts, fmt.Sprintf(s.active, 100*i.ActiveShare))
	}
	if i.HasSpread {
		parts = append(parts, "d+ "+figure(s.distance, i.MeanPositive), "d- "+figure(s.distance, i.MeanNegative), "|e| "+figure(s.norm, i.EmbeddingNorm))
	}
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
