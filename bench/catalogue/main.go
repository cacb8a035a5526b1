// Command catalogue trains every loss of package losses on one data set with one budget and
// prints how good each is on classes that it never saw; beside it, where pytorch-metric-learning
// has the loss, what that gives on the same pictures with the same network.
//
//	go run ./bench/catalogue -data omniglot.tar.gz -invert
//	go run ./bench/catalogue -data omniglot.tar.gz -invert -only arcface,triplet -seeds 1
//	go run ./bench/catalogue -python none           our side alone, on the embedded drawings
//
// Every loss has its defaults, and both sides the same: grey pictures of 28×28, convolutions of
// 32, 64 and 128 filters with batch norm, an embedding of 64, Adam at 1e-3, batches of 16 classes
// with 4 pictures of each, the weights of the last step. Each run is a line of runs.jsonl in -out;
// a command that was broken off goes on where it was. table.md is the table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/losses"
	"medusa/trainer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "catalogue: %v\n", err)
		os.Exit(1)
	}
}

type settings struct {
	data, out, only, python string
	invert                  bool
	steps, seeds            int
}

func run(ctx context.Context, args []string) error {
	var s settings
	f := flag.NewFlagSet("catalogue", flag.ContinueOnError)
	f.StringVar(&s.data, "data", "", "`PATH` of pictures with a test part, as cmd/train reads it; the embedded drawings if empty")
	f.BoolVar(&s.invert, "invert", false, "turn black into white")
	f.StringVar(&s.out, "out", filepath.Join("runs", "catalogue"), "`FOLDER` of the figures")
	f.StringVar(&s.only, "only", "", "`LOSSES`, names with commas between; all if empty")
	f.StringVar(&s.python, "python", "/usr/bin/python3", "`PATH` of a Python with PyTorch and pytorch-metric-learning, or none")
	f.IntVar(&s.steps, "steps", 600, "`STEPS` of each run")
	f.IntVar(&s.seeds, "seeds", 3, "`RUNS` of each loss, with seeds 0, 1, …")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return errors.Errorf("unknown argument %q", f.Arg(0))
	}
	if s.steps < 1 || s.seeds < 1 {
		return errors.Errorf("-steps %d, -seeds %d, want at least 1 of each", s.steps, s.seeds)
	}
	chosen, err := choose(s.only)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.out, 0o777); err != nil {
		return errors.Wrap(err, "-out")
	}
	known, err := openFigures(filepath.Join(s.out, "runs.jsonl"))
	if err != nil {
		return err
	}
	defer known.close()
	cfg := trainer.Config{
		Data: trainer.DataConfig{Path: s.data, Invert: s.invert, Val: "none", Normalise: "none", Height: 28, Width: 28, Channels: 1},
		Keep: trainer.Last, EvalEvery: -1, CheckpointEvery: -1, Steps: s.steps,
	}
	data, err := trainer.Load(cfg.Data, 0, trainer.LoadOptions{})
	if err != nil {
		return err
	}
	defer data.Close()
	if data.Test == nil {
		return errors.Errorf("-data %s has no test part to measure on", s.data)
	}
	theirs, err := openPeer(s, data)
	if err != nil {
		return err
	}
	defer theirs.close()
	for seed := range s.seeds {
		for _, name := range chosen {
			if err := train(ctx, known, cfg, data, name, uint64(seed)); err != nil {
				return err
			}
			if err := theirs.train(ctx, known, s.steps, name, uint64(seed)); err != nil {
				return err
			}
		}
	}
	return known.write(filepath.Join(s.out, "table.md"), s, data, chosen)
}

// choose is the losses that -only names, or all that a run of one picture a sample can have.
func choose(only string) ([]string, error) {
	if only == "" {
		return slices.DeleteFunc(losses.Names(), func(name string) bool { return apart[name] != "" }), nil
	}
	var out []string
	for _, name := range strings.Split(only, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(losses.Names(), name) {
			return nil, errors.Errorf("-only: no loss %q; there are %s", name, strings.Join(losses.Names(), ", "))
		}
		out = append(out, name)
	}
	return out, nil
}

// train is a run of our side.
func train(ctx context.Context, known *figures, cfg trainer.Config, data trainer.Data, name string, seed uint64) error {
	if known.has(ours, name, cfg.Steps, seed) {
		return nil
	}
	dir, err := os.MkdirTemp("", "catalogue")
	if err != nil {
		return errors.Wrap(err, "a folder for the run")
	}
	defer os.RemoveAll(dir)
	cfg.Loss, cfg.Seed = name, seed
	t, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true, NoEmbeddings: true})
	if err != nil {
		return errors.Wrap(err, name)
	}
	defer t.Close()
	r, err := t.Run(ctx)
	if err != nil {
		return errors.Wrap(err, name)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return known.add(figure{Side: ours, Loss: name, Steps: cfg.Steps, Seed: seed, Recall: r.After.Recall[0], MAPAtR: r.After.MAPAtR,
		PerSecond: r.ImagesPerSecond, Before: beforeOf(r)})
}

func beforeOf(r trainer.Result) *before {
	return &before{Recall: r.Before.Recall[0], MAPAtR: r.Before.MAPAtR, PixelRecall: r.Pixels.Recall[0], PixelMAPAtR: r.Pixels.MAPAtR}
}
