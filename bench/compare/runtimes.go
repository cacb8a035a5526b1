package main

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"os/exec"
)

//go:embed onnx_bench.py
var onnxBench []byte

// The sides that run an exported model.
const (
	onnxRuntime = "onnxruntime"
	openVINO    = "openvino"
)

// runtimes are the programs of a Python that run models in ONNX.
type runtimes struct {
	Path        string `json:"path"`
	ONNXRuntime string `json:"onnxruntime,omitempty"` // its version; empty if it is not there
	OpenVINO    string `json:"openvino,omitempty"`
}

// findRuntimes asks a Python, python3 if none is given, which it has: nil if none.
func findRuntimes(ctx context.Context, python, script string) *runtimes {
	if python == none {
		return nil
	}
	r := &runtimes{Path: cmp.Or(python, "python3")}
	text, err := exec.CommandContext(ctx, r.Path, script, "about").Output()
	if err != nil || json.Unmarshal(text, r) != nil || r.ONNXRuntime+r.OpenVINO == "" {
		return nil
	}
	return r
}

func (r *runtimes) sides(script string) (all []side) {
	if r == nil {
		return nil
	}
	for _, p := range []struct{ name, version string }{{onnxRuntime, r.ONNXRuntime}, {openVINO, r.OpenVINO}} {
		if p.version == "" {
			continue
		}
		all = append(all, side{name: p.name, does: func(w workload) bool { return w.Kind == "embed" },
			command: func(ctx context.Context, text string) *exec.Cmd {
				return exec.CommandContext(ctx, r.Path, script, text)
			}})
	}
	return all
}

func (r *runtimes) lines() []string {
	if r == nil {
		return nil
	}
	return []string{"exported models: ONNX Runtime " + cmp.Or(r.ONNXRuntime, "not installed") + ", OpenVINO " + cmp.Or(r.OpenVINO, "not installed")}
}
