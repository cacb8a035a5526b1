package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

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
}

func newProgress(w io.Writer, live bool) *progress {
	return &progress{w: w, live: live, lineGap: 5 * time.Second}
}

// hook is what the trainer tells about.
func (p *progress) hook() trainer.Hook {
	return trainer.Hook{Start: p.start, Step: p.step, Evaluated: p.evaluated, Warned: p.warned}
}

func (p *progress) start(_ context.Context, i trainer.StartInfo) error {
	what := fmt.Sprintf("%s parameters", thousands(i.Parameters))
	if i.LossParams > 0 {
		what += fmt.Sprintf(" and %s of the loss", thousands(i.LossParams))
	}
	fmt.Fprintf(p.w, "training %s: %s; %d steps of %d pictures, %d steps an epoch\n", i.Dir, what, i.Steps, i.Batch, i.StepsPerEpoch)
	if i.Step > 0 {
		fmt.Fprintf(p.w, "going on after step %d\n", i.Step)
	}
	if p.live {
		p.bar = progressbar.NewOptions(i.Steps,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(16), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "━", SaucerPadding: " ", BarStart: "", BarEnd: ""}))
		return p.bar.Set(i.Step)
	}
	return nil
}

func (p *progress) step(_ context.Context, i trainer.StepInfo) error {
	if p.live {
		p.bar.Describe(describe(i))
		return p.bar.Set(i.Step)
	}
	now := time.Now()
	if i.Step != 1 && i.Step != i.Steps && now.Sub(p.last) < p.lineGap {
		return nil
	}
	p.last = now
	_, err := fmt.Fprintf(p.w, "step %d/%d  %s\n", i.Step, i.Steps, describe(i))
	return err
}

// describe is the state after a step on one line.
func describe(i trainer.StepInfo) string {
	parts := []string{
		fmt.Sprintf("loss %.4f", i.Loss),
		fmt.Sprintf("%.0f img/s", i.ImagesPerSecond),
		"left " + clock(i.ETA),
	}
	if i.HasActive {
		parts = append(parts, fmt.Sprintf("active %.0f%%", 100*i.ActiveShare))
	}
	parts = append(parts, fmt.Sprintf("d+ %.3f", i.MeanPositive), fmt.Sprintf("d- %.3f", i.MeanNegative),
		fmt.Sprintf("|e| %.2f", i.EmbeddingNorm))
	if i.WaitShare > 0.05 {
		parts = append(parts, fmt.Sprintf("waiting %.0f%%", 100*i.WaitShare))
	}
	return strings.Join(parts, "  ")
}

func (p *progress) evaluated(_ context.Context, i trainer.EvalInfo) error {
	line := fmt.Sprintf("%s at step %d: %s", i.Set, i.Step, headline(i.Result))
	switch {
	case i.Phase == trainer.During && i.Improved:
		line += "  best so far"
	case i.Phase != trainer.During:
		line += fmt.Sprintf("  (%s training)", i.Phase)
	}
	return p.say(line)
}

func (p *progress) warned(_ context.Context, w trainer.Warning) error {
	return p.say(fmt.Sprintf("warning at step %d: %s\n  %s", w.Step, w.Message, w.Advice))
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

// thousands writes a number with a comma every three digits.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
