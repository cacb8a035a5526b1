// Command catalogue trains every loss of package losses on one data set with one budget and
// prints how good each is on classes that it never saw; beside it, where pytorch-metric-learning
// has the loss, what that gives on the same pictures with the same network.
//
//	go run ./bench/catalogue -data omniglot.tar.gz -invert
//	go run ./bench/catalogue -data omniglot.tar.gz -invert -speed
//	go run ./bench/catalogue -data omniglot.tar.gz -invert -only 'arcface, triplet(margin=0.1)' -seeds 1
//	go run ./bench/catalogue -python none           our side alone, on the embedded drawings
//
// Every loss has its defaults, and both sides the same: grey pictures of 28×28, convolutions of
// 32, 64 and 128 filters with batch norm, an embedding of 64, Adam at 1e-3, batches of 16 classes
// with 4 pictures of each, the weights of the last step. Each run is a line of runs.jsonl in -out;
// a command that was broken off goes on where it was. table.md is the table. How good a run is does
// not depend on what else the machine does, how fast it is does: -speed measures that apart, on a
// machine that does nothing else.
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

	"medusa/datasets"
	"medusa/losses"
	"medusa/metrics"
	"medusa/model"
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
	invert, speed           bool
	steps, seeds, peerSeeds int
}

func run(ctx context.Context, args []string) error {
	var s settings
	f := flag.NewFlagSet("catalogue", flag.ContinueOnError)
	f.StringVar(&s.data, "data", "", "`PATH` of pictures with a test part, as cmd/train reads it; the embedded drawings if empty")
	f.BoolVar(&s.invert, "invert", false, "turn black into white")
	f.StringVar(&s.out, "out", filepath.Join("runs", "catalogue"), "`FOLDER` of the figures")
	f.StringVar(&s.only, "only", "", "`LOSSES`, with commas between, names or with parameters; all if empty")
	f.StringVar(&s.python, "python", "/usr/bin/python3", "`PATH` of a Python with PyTorch and pytorch-metric-learning, or none")
	f.IntVar(&s.steps, "steps", 600, "`STEPS` of each run")
	f.IntVar(&s.seeds, "seeds", 3, "`RUNS` of each loss, with seeds 0, 1, …")
	f.IntVar(&s.peerSeeds, "peer-seeds", 0, "`RUNS` of each of the other side; as -seeds if 0, none if below")
	f.BoolVar(&s.speed, "speed", false, fmt.Sprintf("measure images/s alone, in runs of %d steps", timedSteps))
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return errors.Errorf("unknown argument %q", f.Arg(0))
	}
	if s.steps < 1 || s.seeds < 1 {
		return errors.Errorf("-steps %d, -seeds %d, want at least 1 of each", s.steps, s.seeds)
	}
	if s.peerSeeds == 0 {
		s.peerSeeds = s.seeds
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
	asked := s
	theirs, err := openPeer(s, data)
	if err != nil {
		return err
	}
	defer theirs.close()
	if s.speed {
		cfg.Steps, s.seeds, s.peerSeeds = timedSteps, 1, min(1, s.peerSeeds)
	} else if err := measureBefore(ctx, known, cfg, data); err != nil {
		return err
	}
	for seed := range max(s.seeds, s.peerSeeds) {
		for _, name := range chosen {
			if seed < s.seeds {
				if err := train(ctx, known, cfg, data, name, uint64(seed), s.speed); err != nil {
					return err
				}
			}
			if seed < s.peerSeeds {
				if err := theirs.train(ctx, known, cfg.Steps, name, uint64(seed), s.speed); err != nil {
					return err
				}
			}
		}
	}
	return known.write(filepath.Join(s.out, "table.md"), asked, data, chosen)
}

// timedSteps is the length of a run that only says how fast it is.
const timedSteps = 100

// choose is the losses that -only names, or all that a run of one picture a sample can have.
func choose(only string) ([]string, error) {
	if only == "" {
		return slices.DeleteFunc(losses.Names(), func(name string) bool { return apart[name] != "" }), nil
	}
	var out []string
	for _, text := range apartByCommas(only) {
		if _, err := losses.Parse(text, losses.Setting{Classes: 2, EmbeddingSize: 64, TrunkSize: 128}); err != nil {
			return nil, errors.Wrap(err, "-only")
		}
		out = append(out, text)
	}
	return out, nil
}

// apartByCommas splits a list at the commas outside parentheses.
func apartByCommas(list string) (out []string) {
	depth, begin := 0, 0
	for i, r := range list + "," {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && (depth <= 0 || i == len(list)):
			out = append(out, strings.TrimSpace(list[begin:i]))
			begin = i + 1
		}
	}
	return out
}

// train is a run of our side.
func train(ctx context.Context, known *figures, cfg trainer.Config, data trainer.Data, name string, seed uint64, timed bool) error {
	f := figure{Side: ours, Loss: name, Steps: cfg.Steps, Seed: seed, Timed: timed}
	if known.has(f) {
		return nil
	}
	cfg.Loss, cfg.Seed = name, seed
	test := data.Test
	data.Test = nil // what a run says besides takes longer than the run
	err := runOf(ctx, cfg, data, func(r trainer.Result) (err error) {
		f.PerSecond = r.ImagesPerSecond
		if !timed {
			f.Recall, f.MAPAtR, err = measure(ctx, r.Model, test)
		}
		return err
	})
	if err != nil {
		return errors.Wrap(err, name)
	}
	return known.add(f)
}

// runOf makes a run, in a folder that lasts as long as look looks at its result.
func runOf(ctx context.Context, cfg trainer.Config, data trainer.Data, look func(trainer.Result) error) error {
	dir, err := os.MkdirTemp("", "catalogue")
	if err != nil {
		return errors.Wrap(err, "a folder for the run")
	}
	defer os.RemoveAll(dir)
	t, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true, NoEmbeddings: true})
	if err != nil {
		return err
	}
	defer t.Close()
	r, err := t.Run(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return look(r)
}

// measure is Recall@1 and MAP@R of a model.
func measure(ctx context.Context, path string, test datasets.Set) (recall, mapAtR float64, err error) {
	m, err := model.Load(path, model.Options{})
	if err != nil {
		return 0, 0, err
	}
	defer m.Close()
	x, err := m.Embed(ctx, test)
	if err != nil {
		return 0, 0, err
	}
	r, err := metrics.Evaluate(ctx, metrics.Set{Embeddings: x, Dim: m.EmbeddingSize(), Labels: test.Labels()}, nil,
		metrics.Options{K: metrics.KLargestR, RecallAt: []int{1}, NoClustering: true})
	if err != nil {
		return 0, 0, err
	}
	return r.Recall[0], r.MAPAtR, nil
}

// measureBefore adds what all losses are to beat: it makes one step of a run, which measures that
// in front of it.
func measureBefore(ctx context.Context, known *figures, cfg trainer.Config, data trainer.Data) error {
	f := figure{Side: untrained, Steps: cfg.Steps}
	if known.has(f) {
		return nil
	}
	p := figure{Side: pixels, Steps: cfg.Steps}
	cfg.Steps, cfg.Seed = 1, 0
	err := runOf(ctx, cfg, data, func(r trainer.Result) error {
		p.Recall, p.MAPAtR = r.Pixels.Recall[0], r.Pixels.MAPAtR
		f.Recall, f.MAPAtR = r.Before.Recall[0], r.Before.MAPAtR
		return nil
	})
	if err != nil {
		return err
	}
	if err := known.add(p); err != nil {
		return err
	}
	return known.add(f)
}
