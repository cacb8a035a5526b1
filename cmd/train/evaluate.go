package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/terminal"
	"medusa/model"
	"medusa/trainer"
)

// soundEvaluation refuses flags that say nothing to -evaluate, and an evaluation of nothing.
func (f *flags) soundEvaluation(given map[string]bool) error {
	if !given["evaluate"] {
		return wrong("%s measures a trained network: give the run folder as %s", field.Name("-one-shot"), field.Name("-evaluate"))
	}
	free := []string{"evaluate", "one-shot", "few-shot"}
	for name := range given {
		if !slices.Contains(free, name) {
			return wrong("%s says nothing to %s, which trains nothing: leave it out", field.Name("-"+name), field.Name("-evaluate"))
		}
	}
	if !given["one-shot"] && f.options.FewShot == "" {
		return wrong("%s wants to know what to measure: %s, %s or both", field.Name("-evaluate"), field.Name("-few-shot"), field.Name("-one-shot"))
	}
	_, err := trainer.ParseFewShot(f.options.FewShot)
	if err != nil {
		return wrong("%s: %v", field.Name("-few-shot"), err)
	}
	return nil
}

// evaluation is the program with -evaluate.
func evaluation(ctx context.Context, f *flags, w *terminal.Screen, stderr io.Writer) int {
	if err := f.evaluate(ctx, w); err != nil {
		return failed(ctx, f, stderr, err, exitFailed)
	}
	return exitOK
}

// evaluate measures the model of a run by what the flags ask for, and shows it.
func (f *flags) evaluate(ctx context.Context, w *terminal.Screen) error {
	dir := f.options.Evaluate
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return wrong("%s: there is no run folder %s", field.Name("-evaluate"), dir)
	}
	var tables []trainer.Table
	for _, measure := range []struct {
		asked bool
		of    func(context.Context) (trainer.Table, error)
	}{{f.options.FewShot != "", f.fewShotOfRun}, {f.options.OneShot != "", f.oneShotOfRun}} {
		if !measure.asked {
			continue
		}
		t, err := measure.of(ctx)
		if err != nil {
			return errors.WithMessage(err, "-evaluate")
		}
		tables = append(tables, t)
	}
	for i, t := range tables {
		if i > 0 {
			w.Say("")
		}
		printTable(w, t)
	}
	return nil
}

// fewShotOfRun measures the embeddings that the run left, with the run's seed: the figures are
// those that the run itself would have told.
func (f *flags) fewShotOfRun(ctx context.Context) (trainer.Table, error) {
	tasks, err := trainer.ParseFewShot(f.options.FewShot)
	if err != nil {
		return trainer.Table{}, err
	}
	cfg, err := trainer.Stored(f.options.Evaluate)
	if err != nil {
		return trainer.Table{}, err
	}
	s, classes, err := trainer.StoredEmbeddings(f.options.Evaluate)
	if err != nil {
		return trainer.Table{}, err
	}
	items := "pictures"
	if cfg.Net.Height*cfg.Net.Width == 1 {
		items = "vectors"
	}
	figures, err := trainer.MeasureFewShot(ctx, s, classes, tasks, cfg.Seed)
	return trainer.FewShotTable(figures, items), err
}

func (f *flags) oneShotOfRun(ctx context.Context) (trainer.Table, error) {
	m, err := model.Load(filepath.Join(f.options.Evaluate, trainer.ModelFile), model.Options{})
	if err != nil {
		return trainer.Table{}, err
	}
	defer m.Close()
	r, err := m.OneShot(ctx, f.options.OneShot)
	return trainer.OneShotTable(r), err
}
