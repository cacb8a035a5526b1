package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/trainer"
)

// counterparts are what pytorch-metric-learning has for our losses: losses, as L, and miners, as M,
// with its own defaults where nothing is said; C is the number of classes. The network gives them
// embeddings of 64 numbers, of length 1 unless raw: stands in front.
var counterparts = map[string]string{
	"contrastive":      "L.ContrastiveLoss()",
	"triplet":          "L.TripletMarginLoss(margin=0.2), M.BatchHardMiner()",
	"lifted":           "L.LiftedStructureLoss()",
	"multi-similarity": "L.MultiSimilarityLoss(), M.MultiSimilarityMiner()",
	"ce":               "raw: L.NormalizedSoftmaxLoss(C, 64)",

	"arcface":             "raw: L.ArcFaceLoss(C, 64)",
	"cosface":             "raw: L.CosFaceLoss(C, 64)",
	"sphereface":          "raw: L.SphereFaceLoss(C, 64)",
	"large-margin":        "raw: L.LargeMarginSoftmaxLoss(C, 64)",
	"p2sgrad":             "raw: L.P2SGradLoss(64, C)",
	"proxy-nca":           "raw: L.ProxyNCALoss(C, 64)",
	"proxy-anchor":        "raw: L.ProxyAnchorLoss(C, 64)",
	"soft-triple":         "raw: L.SoftTripleLoss(C, 64)",
	"margin":              "L.MarginLoss()",
	"ranked-list":         "L.RankedListLoss(margin=0.4, Tn=10)",
	"fastap":              "L.FastAPLoss()",
	"histogram":           "L.HistogramLoss()",
	"pnp":                 "L.PNPLoss()",
	"dynamic-soft-margin": "L.DynamicSoftMarginLoss()",
	"circle":              "L.CircleLoss()",
	"ntxent":              "L.NTXentLoss()",
	"supcon":              "L.SupConLoss()",
	"n-pairs":             "raw: L.NPairsLoss()",
	"nca":                 "L.NCALoss()",
	"tuplet-margin":       "L.TupletMarginLoss()",
	"snr-contrastive":     "L.SignalToNoiseRatioContrastiveLoss()",
	"angular":             "L.AngularLoss()",
	"instance":            "L.InstanceLoss()",
	"manifold":            "L.ManifoldLoss(l=64)",
	"cross-batch-memory":  "L.CrossBatchMemory(L.ContrastiveLoss(), 64, memory_size=1088)",
}

// apart are losses that a table of single losses does not show, with the reason.
var apart = map[string]string{
	"mined":           "it is another loss over what a miner chooses",
	"scheduled":       "it is another loss with a weight",
	"self-supervised": "it reads no labels, and wants batches of views",
	"hierarchical":    "it wants levels above the classes",
	"graded":          "it wants to be told what labels have in common",

	"norm":             "it is a regularizer of another loss",
	"zero-mean":        "it is a regularizer of another loss",
	"center-invariant": "it is a regularizer of another loss",
	"regular-face":     "it is a regularizer of another loss",

	"center":                      "it only draws together, and stands beside a loss that tells classes apart",
	"intra-pair-variance":         "it only minds how pairs differ from their mean, and stands beside another loss",
	"threshold-consistent-margin": "it only minds pairs beyond two margins, and stands beside a loss that tells classes apart",
}

//go:embed pml.py
var script []byte

// pytorch is the other side: a script that reads the pictures from files.
type pytorch struct {
	python, dir string
	classes     int
}

// openPeer writes the pictures where the script reads them; nil with -python none.
func openPeer(s settings, data trainer.Data) (p *pytorch, err error) {
	if s.python == "none" {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "catalogue")
	if err != nil {
		return nil, errors.Wrap(err, "a folder for the pictures")
	}
	p = &pytorch{python: s.python, dir: dir, classes: len(data.Train.Classes())}
	defer func() {
		if err != nil {
			p.close()
			p = nil
		}
	}()
	if err := os.WriteFile(p.script(), script, 0o600); err != nil {
		return p, errors.Wrap(err, "the script")
	}
	if out, err := exec.Command(s.python, p.script(), "about").CombinedOutput(); err != nil {
		return p, errors.Errorf("-python %s: %s; -python none leaves it out", s.python, lastLine(out))
	}
	if err := p.store("train", data.Train); err != nil {
		return p, err
	}
	return p, p.store("test", data.Test)
}

func (p *pytorch) script() string { return filepath.Join(p.dir, "pml.py") }

func (p *pytorch) close() {
	if p != nil {
		os.RemoveAll(p.dir)
	}
}

// store writes a part: float32 pixels on [0, 1], and labels as int32.
func (p *pytorch) store(part string, set datasets.Set) error {
	items := make([]int, set.Len())
	for i := range items {
		items[i] = i
	}
	pixels := make([]float32, set.Len()*datasets.ItemSize(set))
	if err := set.Fill(pixels, items, datasets.Normalisation{}); err != nil {
		return err
	}
	raw := make([]byte, 0, 4*len(pixels))
	for _, v := range pixels {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	labels := make([]byte, 0, 4*set.Len())
	for _, y := range set.Labels() {
		labels = binary.LittleEndian.AppendUint32(labels, uint32(y))
	}
	for name, b := range map[string][]byte{part + ".pixels": raw, part + ".labels": labels} {
		if err := os.WriteFile(filepath.Join(p.dir, name), b, 0o600); err != nil {
			return errors.Wrap(err, "the pictures")
		}
	}
	return nil
}

// train is a run of the other side; nothing where it has no such loss. What fails there is noted,
// and the rest goes on.
func (p *pytorch) train(ctx context.Context, known *figures, steps int, name string, seed uint64, timed bool) error {
	what := counterparts[name]
	f := figure{Side: peer, Loss: name, Steps: steps, Seed: seed, Timed: timed}
	if p == nil || what == "" || known.has(f) {
		return nil
	}
	what, raw := strings.CutPrefix(what, "raw: ")
	cmd := exec.CommandContext(ctx, p.python, p.script(), p.dir, what, fmt.Sprint(raw), fmt.Sprint(p.classes), fmt.Sprint(steps), fmt.Sprint(seed), fmt.Sprint(timed))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.Failed = lastLine([]byte(errs.String()))
	} else if err := json.Unmarshal(out, &f); err != nil {
		return errors.Wrapf(err, "what %s says of %s", p.python, name)
	}
	return known.add(f)
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
