package main

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/machine"
)

// gpuNets are the networks that are trained on a GPU, and the least ratio to PyTorch's eager
// step.
var gpuNets = []struct {
	name    string
	batches []int
	target  float64
	tf32    bool // whatever the others do
}{
	{"mlp", []int{64, 256, 1024}, 1.5, false},
	{"cnn", []int{64, 256, 1024}, 1.5, false},
	{"cnn-bn", []int{64, 256, 1024}, 1.5, false},
	{"resnet18", []int{256}, 0.9, true},
}

// gpuLosses are the losses alone, and the least ratio to PyTorch's eager ones; 0: none was set.
var gpuLosses = []struct {
	name   string
	target float64
}{{"contrastive", 0}, {"batch-hard", 0}, {"multi-similarity", 0}, {"all-triplets", 5}, {"lifted", 5}}

// gpuWorkloads are those of a GPU, in the order of the table.
func gpuWorkloads(tf32 bool) []workload {
	var all []workload
	for _, resident := range []bool{false, true} {
		for _, net := range gpuNets {
			for _, batch := range net.batches {
				all = append(all, workload{Kind: "train", Net: net.name, Batch: batch, Class: perClass(batch), Loss: "batch-hard",
					TF32: tf32 || net.tf32, Resident: resident, target: net.target, memory: memory{kind: "device"}})
			}
		}
	}
	for _, loss := range gpuLosses {
		for _, n := range []int{1024, 4096, 8192} {
			for _, d := range []int{64, 128} {
				all = append(all, workload{Kind: "loss", Loss: loss.name, Batch: n, Class: 8, Size: d,
					TF32: tf32, target: loss.target, memory: memory{kind: "device"}})
			}
		}
	}
	return all
}

var gpuName = regexp.MustCompile(`^cuda(:\d+)?$`)

// gpuOf is the GPU that -device names, and nothing for the CPU.
func gpuOf(name string) (string, error) {
	switch {
	case name == "cpu":
		return "", nil
	case gpuName.MatchString(name):
		return name, nil
	}
	return "", errors.Errorf("-device %q: want cpu, cuda or cuda:N with the number of a GPU, from 0", name)
}

// tryGPU opens the GPU once. Its error says what was looked for.
func tryGPU(name string) error {
	d, err := machine.Open(name, machine.Options{})
	if err != nil {
		return err
	}
	return errors.Wrap(d.Close(), name)
}

// cudaLibraries is the driver, the libraries and the GPUs that our side finds, a line for each.
func cudaLibraries() []string {
	var b strings.Builder
	cuda.Report(&b)
	var out []string
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, " ") { // else it is where a missing one was looked for
			out = append(out, strings.Join(strings.Fields(line), " "))
		}
	}
	return out
}

// Work on a GPU goes on after the call that asks for it, so that it is timed in blocks of runs
// with one wait at their end. The rules, on both sides: gpuWarmUps runs that do not count, more
// if half of the time has not gone, since the GPU's clock rises under load; then blocks of a
// tenth of the time until the time is up, at least atLeast, but no more than mostOf times as long
// as was asked for.
const (
	gpuWarmUps = 5 // our graphs are recorded in the third run
	gpuBlocks  = 10
)

// measureBlocks times run; wait returns when all that was run is done.
func measureBlocks(seconds float64, run, wait func() error) (measured, error) {
	return clock(time.Now).measureBlocks(seconds, run, wait)
}

func (now clock) measureBlocks(seconds float64, run, wait func() error) (m measured, err error) {
	block := func(n int) (each float64, err error) {
		began := now()
		for range n {
			if err := run(); err != nil {
				return 0, err
			}
		}
		err = wait()
		return now.since(began) / float64(n), err
	}
	one, began := 0.0, now()
	for i := 0; i < gpuWarmUps || now.since(began) < seconds/2; i++ {
		if one, err = block(1); err != nil {
			return m, err
		}
	}
	n := max(1, int(seconds/gpuBlocks/max(one, 1e-9)))
	var times []float64
	cpu := cpuSeconds()
	for began = now(); ; {
		each, err := block(n)
		if err != nil {
			return m, err
		}
		times = append(times, each)
		total := now.since(began)
		if total >= seconds && len(times) >= atLeast || total >= mostOf*seconds {
			m.Cores = (cpuSeconds() - cpu) / total
			break
		}
	}
	m.Seconds, m.Best, m.Runs = median(times), slices.Min(times), n*len(times)
	return m, nil
}

// measureOnGPU times steps with one batch, which is copied to the GPU in each of them unless it
// stays there.
func (t *training) measureOnGPU(j job) (measured, error) {
	copy(t.stepper.Pictures(), t.pictures[0])
	if j.Resident {
		if err := t.stepper.PinBatch(); err != nil {
			return measured{}, err
		}
	}
	m, err := measureBlocks(j.Seconds, t.stepper.Begin, func() error {
		_, err := t.stepper.Finish()
		return err
	})
	m.Device = t.stepper.DeviceMemory()
	return m, err
}
