package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/pkg/errors"
)

// workload is one thing that both sides compute. It is what a child process is told.
type workload struct {
	Kind  string `json:"kind"`            // train, infer, embed, loss, recall, gemm, op, layer, peak or start
	Net   string `json:"net,omitempty"`   // of comparedNets or tunedNets
	Loss  string `json:"loss,omitempty"`  // contrastive, batch-hard, multi-similarity, all-triplets, lifted, or one of catalogue
	Peer  string `json:"peer,omitempty"`  // of a loss in catalogue: what pytorch-metric-learning makes it of
	Batch int    `json:"batch,omitempty"` // pictures in a batch; embeddings of a loss alone; queries of recall
	Class int    `json:"class,omitempty"` // pictures of each class in a batch
	Size  int    `json:"size,omitempty"`  // D of embeddings; the side of gemm's matrices
	Rows  int    `json:"rows,omitempty"`  // of recall's gallery
	Steps int    `json:"steps,omitempty"` // of start: after the first one
	Op    string `json:"op,omitempty"`    // of op
	Layer string `json:"layer,omitempty"` // of layer
	Pass  string `json:"pass,omitempty"`  // of layer: forward, to-input or to-weights; of op: forward or gradients

	TF32     bool `json:"tf32,omitempty"`     // on a GPU: products round their factors to 10 bits, on all sides
	Resident bool `json:"resident,omitempty"` // of train on a GPU: the batch stays there, no step copies it

	target  float64 // least ratio of times to reach; 0: none was set
	library bool    // the target is set against pytorch-metric-learning
	draws   bool    // each side draws weights of its own, so that the values differ
	memory  memory
}

// memory says which memory of a workload is compared, and with what aim.
type memory struct {
	kind   string  // "": none; process: all of it; extra: above what stood before the work; device: of the GPU
	target float64 // least ratio to reach; 0: none was set
	below  float64 // bytes to stay below; 0: none was set
}

// name is what -only is matched with.
func (w workload) name() string {
	switch w.Kind {
	case "train":
		name := fmt.Sprintf("train/%s/%d/%s", w.Net, w.Batch, w.Loss)
		if w.Resident {
			name += "/resident"
		}
		return name
	case "infer", "embed", "start":
		return fmt.Sprintf("%s/%s/%d", w.Kind, w.Net, w.Batch)
	case "loss":
		return fmt.Sprintf("loss/%s/N=%d/D=%d", w.Loss, w.Batch, w.Size)
	case "recall":
		return fmt.Sprintf("recall@1/%dx%d/D=%d", w.Batch, w.Rows, w.Size)
	case "gemm":
		return fmt.Sprintf("gemm/%d", w.Size)
	case "op":
		return fmt.Sprintf("op/%s/%s", w.Op, w.Pass)
	case "layer":
		return w.layerName()
	}
	return w.Kind
}

// rate is what one run of the workload is worth, and in which unit.
func (w workload) rate() (work float64, unit string) {
	switch w.Kind {
	case "train", "infer", "embed":
		return float64(w.Batch), "images/s"
	case "gemm":
		n := float64(w.Size)
		return 2 * n * n * n / 1e9, "GFLOP/s"
	case "layer":
		if l, err := layerOf(w.Net, w.Layer); err == nil {
			return l.flops(w.Batch) / 1e9, "GFLOP/s"
		}
	}
	return 0, ""
}

// comparedNets are the networks and the least ratio of a training step.
var comparedNets = []struct {
	name    string
	batches []int
	target  float64
}{
	{"mlp", []int{64, 256}, 2},
	{"cnn", []int{64, 256}, 2},
	{"cnn-bn", []int{64, 256}, 2.5},
	{"resnet18", []int{32}, 1.3},
}

// tunedNets are networks that people take with weights of others, for pictures of 224×224.
var tunedNets = []string{"resnet50", "vit-small-14"}

// workloads are all of them, in the order of the table.
func workloads() []workload {
	all := []workload{{Kind: "peak"}}
	for _, n := range []int{512, 1024, 2048} {
		all = append(all, workload{Kind: "gemm", Size: n, target: 1})
	}
	all = append(all, opsAlone()...)
	all = append(all, layersAlone()...)
	for _, net := range comparedNets {
		for _, batch := range net.batches {
			for _, loss := range []string{"batch-hard", "contrastive"} {
				all = append(all, workload{Kind: "train", Net: net.name, Batch: batch, Class: perClass(batch), Loss: loss, target: net.target})
			}
		}
	}
	for _, net := range tunedNets {
		all = append(all, workload{Kind: "train", Net: net, Batch: 16, Class: 4, Loss: "batch-hard", target: 1.3})
	}
	for _, net := range comparedNets {
		for _, batch := range []int{1, 8, 64, 256} {
			all = append(all, workload{Kind: "infer", Net: net.name, Batch: batch, target: 1.5})
		}
	}
	all = append(all, embedAlone()...)
	all = append(all, lossesAlone()...)
	all = append(all, catalogueAlone()...)
	all = append(all, workload{Kind: "recall", Batch: 10_000, Rows: 60_000, Size: 64, target: 2})
	for _, net := range comparedNets {
		batch := net.batches[0]
		all = append(all, workload{Kind: "start", Net: net.name, Batch: batch, Class: perClass(batch), Loss: "batch-hard", Steps: 20,
			target: 5, memory: memory{kind: "process", target: 3}})
	}
	return all
}

func lossesAlone() []workload {
	var all []workload
	for _, loss := range []string{"contrastive", "batch-hard", "multi-similarity", "all-triplets"} {
		for _, n := range []int{256, 1024, 2048} {
			for _, d := range []int{64, 128} {
				w := workload{Kind: "loss", Loss: loss, Batch: n, Class: 8, Size: d, target: 5}
				if loss == "all-triplets" {
					w.target, w.memory = 0, memory{kind: "extra"}
					if n >= 1024 {
						w.target, w.library, w.memory.below = 100, true, 100e6
					}
				}
				all = append(all, w)
			}
		}
	}
	for _, d := range []int{64, 128} {
		all = append(all, workload{Kind: "loss", Loss: "lifted", Batch: 256, Class: 8, Size: d, target: 500, library: true, memory: memory{kind: "extra", below: 10e6}})
	}
	return all
}

// perClass is K of a batch: 4 of each class in a small one, 8 in a large one.
func perClass(batch int) int {
	if batch < 256 {
		return 4
	}
	return 8
}

// choose is the workloads whose names hold one of the patterns, which are separated by
// commas: a part of the name, or with a * or ? in it a pattern of path.Match for whole
// names, in which * stands for any text without a slash.
func choose(all []workload, patterns string) ([]workload, error) {
	if strings.TrimSpace(patterns) == "" {
		return all, nil
	}
	var out []workload
	used := map[string]bool{}
	for _, w := range all {
		chosen := false
		for _, p := range strings.Split(patterns, ",") {
			p = strings.TrimSpace(p)
			ok, err := matches(p, w.name())
			if err != nil {
				return nil, errors.Wrapf(err, "-only %q", p)
			}
			if ok {
				chosen, used[p] = true, true
			}
		}
		if chosen {
			out = append(out, w)
		}
	}
	for _, p := range strings.Split(patterns, ",") {
		if p = strings.TrimSpace(p); !used[p] {
			return nil, errors.Errorf("-only %q fits no workload; -list shows their names", p)
		}
	}
	return out, nil
}

func matches(pattern, name string) (bool, error) {
	if pattern == "" {
		return false, errors.New("an empty pattern; write a part of a name, such as train/mlp")
	}
	if !strings.ContainsAny(pattern, "*?[") {
		return strings.Contains(name, pattern), nil
	}
	return path.Match(pattern, name)
}
