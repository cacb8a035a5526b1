package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"medusa/internal/wording"
	"medusa/metrics"
	"medusa/trainer"
)

// progress shows a run: a live line on a terminal, plain lines in a pipe.
type progress struct {
	w       io.Writer
	live    bool
	bar     *progressbar.ProgressBar
	last    time.Time // of the last plain line
	lineGap time.Duration
	columns func() int // of the terminal, which may change
	taken   int        // columns of the line that the bar takes
}

func newProgress(w io.Writer, live bool) *progress {
	return &progress{w: w, live: live, lineGap: 5 * time.Second, columns: func() int { return columns(w) }}
}

// columns is the width of the terminal that w is, or 80.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// hook is what the trainer tells about.
func (p *progress) hook() trainer.Hook {
	return trainer.Hook{Start: p.start, Step: p.step, Evaluated: p.evaluated, Warned: p.warned}
}

func (p *progress) start(_ context.Context, i trainer.StartInfo) error {
	what := fmt.Sprintf("%s parameters", wording.Thousands(i.Parameters))
	if i.LossParams > 0 {
		what += fmt.Sprintf(" and %s of the loss", wording.Thousands(i.LossParams))
	}
	fmt.Fprintf(p.w, "training %s: %s; %d steps of %d pictures, %d steps an epoch\n", i.Dir, what, i.Steps, i.Batch, i.StepsPerEpoch)
	if i.Step > 0 {
		fmt.Fprintf(p.w, "going on after step %d\n", i.Step)
	}
	if p.live {
		width := 6
		if p.columns() >= 110 {
			width = 20
		}
		p.taken = width + aroundBar
		p.bar = progressbar.NewOptions(i.Steps,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(width),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "━", SaucerPadding: " ", BarStart: "", BarEnd: ""}))
		return p.bar.Set(i.Step)
	}
	return nil
}

func (p *progress) step(_ context.Context, i trainer.StepInfo) error {
	if p.live {
		p.bar.Describe(fit(p.columns()-p.taken, i))
		return p.bar.Set(i.Step)
	}
	now := time.Now()
	if i.Step != 1 && i.Step != i.Steps && now.Sub(p.last) < p.lineGap {
		return nil
	}
	p.last = now
	_, err := fmt.Fprintf(p.w, "step %d/%d  %s\n", i.Step, i.Steps, strings.Join(describe(i, wide), "  "))
	return err
}

// aroundBar is what the share done and spaces take of a line.
const aroundBar = 8

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
		parts = append(parts, fmt.Sprintf(s.rate, i.ImagesPerSecond), "left "+clock(i.ETA))
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
		when = "by raw pixels"
	}
	line := fmt.Sprintf("%s %s: %s", i.Set, when, headline(i.Result))
	if i.Phase == trainer.During && i.Leads {
		line += "  best so far"
	}
	return p.say(line)
}

func (p *progress) warned(_ context.Context, w trainer.Warning) error {
	when := "before training"
	if w.Step > 0 {
		when = fmt.Sprintf("at step %d", w.Step)
	}
	return p.say(fmt.Sprintf("warning %s: %s\n  %s", when, w.Message, w.Advice))
}

// say prints a line above the live one.
func (p *progress) say(line string) error {
	if p.bar != nil {
		if err := p.bar.Clear(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(p.w, line)
	return err
}

// close ends the live line.
func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Clear() // only the screen is at stake
	}
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

// clock is a duration as minutes and seconds.
func clock(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	if s >= 3600 {
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dm%02ds", s/60, s%60)
}
