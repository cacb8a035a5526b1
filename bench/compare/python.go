package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"
)

//go:embed torch_bench.py
var torchBench []byte

// rules is what all Python sides share.
//
//go:embed rules.py
var rules []byte

// torchInfo is what the Python side says about itself.
type torchInfo struct {
	Path    string `json:"path"`
	Python  string `json:"python"`
	Torch   string `json:"torch"`
	Library string `json:"pytorch_metric_learning,omitempty"` // its version; empty if it is not there
	Config  string `json:"config"`                            // how PyTorch was built
	Vectors string `json:"vectors"`                           // instruction set of PyTorch's own kernels
	BLAS    string `json:"blas"`                              // the library that multiplies matrices
	Slow    bool   `json:"reference_blas"`                    // it is the reference BLAS

	NoCUDA  string `json:"no_cuda,omitempty"` // why it cannot use the GPU
	CUDA    string `json:"cuda,omitempty"`    // the version that it brings
	CuDNN   string `json:"cudnn,omitempty"`
	Card    string `json:"card,omitempty"`
	Compile bool   `json:"compile,omitempty"` // it has torch.compile
}

// none as -python leaves PyTorch out.
const none = "none"

// findTorch looks for a Python with PyTorch: the given one, or the usual ones if none is
// given. It returns nil if it finds none of the usual ones, or none that can use the GPU where
// one is named, and why.
func findTorch(ctx context.Context, given, script, gpu string) (info *torchInfo, why string, err error) {
	switch given {
	case none:
		return nil, "-python none", nil
	case "":
	default:
		info, err = ask(ctx, given, script, gpu)
		if err == nil && info.NoCUDA != "" {
			return nil, fmt.Sprintf("%s has PyTorch %s without %s: %s", given, info.Torch, gpu, info.NoCUDA), nil
		}
		return info, "", errors.Wrapf(err, "-python %s", given)
	}
	var tried, lacking []string
	for _, path := range []string{"python3", "/usr/bin/python3", "python"} {
		tried = append(tried, path)
		info, err := ask(ctx, path, script, gpu)
		switch {
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case err == nil && info.NoCUDA == "":
			return info, "", nil
		case err == nil:
			lacking = append(lacking, fmt.Sprintf("; %s has PyTorch %s without %s: %s", path, info.Torch, gpu, info.NoCUDA))
		}
	}
	what, install := "PyTorch", "Debian: apt-get install python3-torch"
	if gpu != "" {
		what, install = "PyTorch with CUDA", "pip install torch"
	}
	return nil, "none of " + strings.Join(tried, ", ") + " has " + what + strings.Join(lacking, "") +
		"; name one with -python, or install it (" + install + ")", nil
}

func ask(ctx context.Context, path, script, gpu string) (*torchInfo, error) {
	args := []string{script, "about"}
	if gpu != "" {
		args = append(args, gpu)
	}
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(lastLine(string(exit.Stderr)))
		}
		return nil, errors.Wrap(err, "no PyTorch there")
	}
	info := &torchInfo{}
	if err := json.Unmarshal(out, info); err != nil {
		return nil, errors.Wrap(err, "what it says about itself")
	}
	info.Path = path
	return info, nil
}

// writeScript puts a Python side into dir, and beside it what all of them share.
func writeScript(dir, name string, text []byte) (string, error) {
	path := filepath.Join(dir, name)
	err := os.WriteFile(path, text, 0o600)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "rules.py"), rules, 0o600)
	}
	return path, errors.Wrap(err, "the Python side")
}

// sides are PyTorch with losses written by hand, on a GPU also at its best, and, if it is
// there, with those of pytorch-metric-learning.
func (t *torchInfo) sides(script string) []side {
	command := func(ctx context.Context, text string) *exec.Cmd {
		return exec.CommandContext(ctx, t.Path, script, text)
	}
	all := []side{{name: torch, does: func(w workload) bool { return w.Kind != "peak" && w.Kind != "layer" && w.Peer == "" }, command: command}}
	if t.Card != "" {
		all = append(all, side{name: best, does: func(w workload) bool { return w.Peer == "" }, command: command})
	}
	if t.Library != "" {
		all = append(all, side{name: library, does: func(w workload) bool { return w.Kind == "loss" }, command: command})
	}
	return all
}
