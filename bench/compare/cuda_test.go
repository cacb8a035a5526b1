package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/gpu/gputest"
)

// tinyGPU is every kind of workload of a GPU in a size for tests.
var tinyGPU = []workload{
	{Kind: "train", Net: "mlp", Batch: 4, Class: 2, Loss: "batch-hard", target: 1.5, memory: memory{kind: "device"}},
	{Kind: "train", Net: "mlp", Batch: 4, Class: 2, Loss: "batch-hard", Resident: true, TF32: true, memory: memory{kind: "device"}},
	{Kind: "loss", Loss: "contrastive", Batch: 16, Class: 4, Size: 8, memory: memory{kind: "device"}},
	{Kind: "loss", Loss: "batch-hard", Batch: 16, Class: 4, Size: 8, memory: memory{kind: "device"}},
	{Kind: "loss", Loss: "multi-similarity", Batch: 16, Class: 4, Size: 8, memory: memory{kind: "device"}},
	{Kind: "loss", Loss: "all-triplets", Batch: 16, Class: 4, Size: 8, target: 5, memory: memory{kind: "device"}},
	{Kind: "loss", Loss: "lifted", Batch: 16, Class: 4, Size: 8, target: 5, memory: memory{kind: "device"}},
}

func TestGPUWorkloads(t *testing.T) {
	seen := map[string]workload{}
	for _, w := range gpuWorkloads(false) {
		require.NotContains(t, seen, w.name())
		seen[w.name()] = w
		assert.Zero(t, w.Batch%w.Class, "%s: whole classes", w.name())
		assert.Equal(t, w.Net == "resnet18", w.TF32, w.name())
	}
	assert.Len(t, seen, 2*(3*3+1)+5*3*2)
	for name, target := range map[string]float64{
		"train/mlp/1024/batch-hard": 1.5, "train/cnn/64/batch-hard/resident": 1.5, "train/cnn-bn/256/batch-hard": 1.5,
		"train/resnet18/256/batch-hard": 0.9, "loss/all-triplets/N=8192/D=128": 5, "loss/lifted/N=1024/D=64": 5, "loss/contrastive/N=4096/D=64": 0,
	} {
		require.Contains(t, seen, name)
		assert.Equal(t, target, seen[name].target, name)
	}
	for _, w := range gpuWorkloads(true) {
		assert.True(t, w.TF32, w.name())
	}
}

// A GPU computes what the CPU computes, and says how much memory it took.
func TestEveryKindMeasuresOnAGPU(t *testing.T) {
	gputest.Prepare(t)
	for _, w := range tinyGPU {
		t.Run(w.name(), func(t *testing.T) {
			m, err := measureJob(job{workload: w, Seconds: 1e-3, Device: "cuda"}, nil)
			require.NoError(t, err)
			assert.Positive(t, m.Seconds)
			assert.LessOrEqual(t, m.Best, m.Seconds)
			assert.Greater(t, m.Device, int64(4*w.Batch))
			if w.Kind == "loss" {
				want, err := measureJob(job{workload: w, Seconds: 1e-3}, nil)
				require.NoError(t, err)
				assert.InEpsilon(t, want.Value, m.Value, 1e-5)
			}
		})
	}
}

// The whole command, with a process for each measurement.
func TestCompareOnAGPU(t *testing.T) {
	fake := gputest.Prepare(t)
	s, err := parse([]string{"-device", "cuda", "-python", none, "-repeat", "2", "-seconds", "0.001", "-out", t.TempDir()}, &bytes.Buffer{})
	require.NoError(t, err)
	p, err := s.plan()
	require.NoError(t, err)
	require.Equal(t, []int{0}, p.threads)
	p.workloads = []workload{tinyGPU[0], tinyGPU[3], {Kind: "loss", Loss: "triplit", Batch: 16, Class: 4, Size: 8, memory: memory{kind: "device"}}}
	var stdout, stderr bytes.Buffer
	require.NoError(t, s.compare(context.Background(), p, &stdout, &stderr), "%s", &stderr)
	text, err := os.ReadFile(filepath.Join(s.out, "comparison.md"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "device cuda, equal seeds give equal bits\n")
	assert.Contains(t, string(text), "- without PyTorch: -python none")
	assert.Contains(t, string(text), "| train/mlp/4/batch-hard | off |")
	assert.Contains(t, string(text), `no loss "triplit"`)
	assert.Contains(t, stderr.String(), "1/3  train/mlp/4/batch-hard, round 2, medusa: ")
	if fake != nil {
		assert.Contains(t, stdout.String(), "GPU 0")
	}
	var stored report
	raw, err := os.ReadFile(filepath.Join(s.out, "comparison.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &stored))
	assert.Equal(t, "cuda", stored.Machine.GPU)
	assert.NotEmpty(t, stored.Machine.CUDA)
	require.Len(t, stored.Raw, 3)
	for _, r := range stored.Raw[:2] {
		require.Len(t, r.Rounds[ours], 2)
		assert.Positive(t, r.Rounds[ours][1].Device, r.Workload)
	}
}

func TestNoGPU(t *testing.T) {
	fake := gputest.Prepare(t)
	if fake == nil {
		t.Skip("there is a GPU")
	}
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run(context.Background(), []string{"-device", "cuda:7", "-python", none, "-out", ""}, &bytes.Buffer{}, &stderr))
	assert.Contains(t, stderr.String(), "device cuda:7 is not to be had")
}

func TestMeasureBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		run, wait time.Duration
		warmUps   int
		block     int // runs in one
		blocks    int
	}{
		"warm-ups for half of the second, then ten blocks of a tenth": {time.Millisecond, 0, 500, 100, 10},
		"the wait counts":      {time.Millisecond, 9 * time.Millisecond, 50, 10, 53},
		"a slow run":           {400 * time.Millisecond, 0, gpuWarmUps, 1, atLeast},
		"a very slow run":      {3 * time.Second, 0, gpuWarmUps, 1, 2},
		"beyond five seconds":  {6 * time.Second, 0, gpuWarmUps, 1, 1},
		"runs of a nanosecond": {time.Nanosecond, 99 * time.Millisecond, 6, 1, 11},
	} {
		t.Run(name, func(t *testing.T) {
			var w fakeWork
			m, err := w.clock().measureBlocks(1, w.lasting(c.run, &w.runs), w.lasting(c.wait, &w.waits))
			require.NoError(t, err)
			assert.Equal(t, c.warmUps+c.block*c.blocks, w.runs)
			assert.Equal(t, c.warmUps+c.blocks, w.waits, "one wait for each warm-up and each block")
			assert.Equal(t, c.block*c.blocks, m.Runs)
			each := c.run.Seconds() + c.wait.Seconds()/float64(c.block)
			assert.InEpsilon(t, each, m.Seconds, 1e-12)
			assert.InEpsilon(t, each, m.Best, 1e-12)
		})
	}

	failing := func() error { return errors.New("no") }
	fine := func() error { return nil }
	_, err := measureBlocks(1, failing, fine)
	assert.EqualError(t, err, "no")
	_, err = measureBlocks(1, fine, failing)
	assert.EqualError(t, err, "no")
}

// gpuExample is two rounds with all rivals.
func gpuExample() []outcome {
	train, loss := gpuWorkloads(false)[0], gpuWorkloads(false)[20]
	loss.target = 5
	return []outcome{
		{train, 0, map[string][]measured{
			ours:  {{Seconds: 0.001, Cores: 1, Device: 10e6}, {Seconds: 0.001, Cores: 1, Device: 10e6}},
			torch: {{Seconds: 0.002, Cores: 1, Device: 30e6, Way: "contiguous, fused Adam, eager"}, {Seconds: 0.002, Cores: 1, Device: 30e6}},
			best:  {{Seconds: 0.0005, Cores: 1, Device: 40e6, Way: "contiguous, fused Adam, CUDA graph"}, {Seconds: 0.0006, Cores: 1, Device: 40e6}},
		}},
		{loss, 0, map[string][]measured{
			ours:    {{Seconds: 0.001, Value: 1, Device: 10e6}},
			torch:   {{Seconds: 0.009, Value: 1.1, Device: 30e6, Way: "eager"}},
			best:    {{Seconds: 0.004, Value: 1, Way: "CUDA graph, K known"}},
			library: {{Error: "CUDA out of memory. Tried to allocate 3500.00 GiB"}},
		}},
	}
}

func TestGPUTable(t *testing.T) {
	m := hardware{Repeat: 2, GPU: "cuda", CUDA: []string{"driver 550.54, CUDA 12.4 /lib/libcuda.so.1", "cuDNN 9.1.0 /lib/libcudnn.so.9"},
		Torch: &torchInfo{Torch: "2.5.1", Python: "3.12", CUDA: "12.4", CuDNN: "9.1.0", Card: "NVIDIA H200", Compile: true}}
	r := newReport(m, gpuExample(), []string{ours, torch, best, library})
	text := r.markdown()
	assert.Contains(t, text, "- driver 550.54, CUDA 12.4 /lib/libcuda.so.1\n- cuDNN 9.1.0")
	assert.Contains(t, text, "- PyTorch 2.5.1 (Python 3.12), CUDA 12.4, cuDNN 9.1.0, on NVIDIA H200, with torch.compile, pytorch-metric-learning not installed")
	assert.Contains(t, text, "over the rounds, 2 of them")
	assert.Contains(t, text, "| workload | TF32 | Medusa | pytorch | ÷ | pytorch, best | ÷ | pytorch-metric-learning | ÷ | target | met | memory of the GPU | notes |")
	assert.Contains(t, text, "| train/mlp/64/batch-hard | off | 1.00 ms (1.00–1.00), 64000 images/s | 2.00 ms (2.00–2.00), 32000 images/s | 2.00 (2.00–2.00) "+
		"| 0.550 ms (0.500–0.600), 116364 images/s | 0.550 (0.500–0.600) |  |  | ≥ 1.5× | yes | 10.0 MB, 30.0 MB, 40.0 MB "+
		"| pytorch: contiguous, fused Adam, eager; pytorch, best: contiguous, fused Adam, CUDA graph |")
	assert.Contains(t, text, "| 9.00 ms (9.00–9.00) | 9.00 (9.00–9.00) | 4.00 ms (4.00–4.00) | 4.00 (4.00–4.00) | – |  | ≥ 5× | yes · – | 10.0 MB, 30.0 MB, –, – "+
		"| VALUES DIFFER: 1 and 1.1 of pytorch; pytorch: eager; pytorch, best: CUDA graph, K known; pytorch-metric-learning failed: CUDA out of memory. Tried to allocate 3500.00 GiB |")
	for _, row := range r.Rows {
		if row.Rival == best {
			assert.Empty(t, row.Target, "the aim is set against eager PyTorch")
		}
	}

	alone := newReport(m, gpuExample(), []string{ours}).markdown()
	assert.Contains(t, alone, "| train/mlp/64/batch-hard | off | 1.00 ms (1.00–1.00), 64000 images/s | ≥ 1.5× |  | 10.0 MB |  |")

	paths, err := r.write(t.TempDir())
	require.NoError(t, err)
	stored, err := os.ReadFile(paths[1])
	require.NoError(t, err)
	var back report
	require.NoError(t, json.Unmarshal(stored, &back))
	assert.Equal(t, r, back)
}

func TestTF32IsAllowedItsRounding(t *testing.T) {
	o := outcome{workload: workload{Kind: "loss", Loss: "lifted"}, rounds: map[string][]measured{
		ours: {{Seconds: 1, Value: 1}}, torch: {{Seconds: 1, Value: 1.005}},
	}}
	differ := func() bool {
		return strings.Contains(compare(o, quantities(o.workload)[0], torch, nil).Note, "VALUES DIFFER")
	}
	assert.True(t, differ())
	o.workload.TF32 = true
	assert.False(t, differ())
}

// A Python whose PyTorch cannot use the GPU is told from one without PyTorch.
func TestTorchWithoutCUDA(t *testing.T) {
	path := filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho '{\"torch\": \"1.13\", \"no_cuda\": \"it was built without CUDA\"}'\n"), 0o755))
	info, why, err := findTorch(context.Background(), path, "script.py", "cuda:0")
	require.NoError(t, err)
	assert.Nil(t, info)
	assert.Equal(t, path+" has PyTorch 1.13 without cuda:0: it was built without CUDA", why)

	t.Setenv("PATH", filepath.Dir(path))
	require.NoError(t, os.Rename(path, filepath.Join(filepath.Dir(path), "python3")))
	info, why, err = findTorch(context.Background(), "", "script.py", "cuda")
	require.NoError(t, err)
	assert.Nil(t, info)
	assert.Contains(t, why, "has PyTorch with CUDA; python3 has PyTorch 1.13 without cuda: it was built without CUDA")
}

// The Python side of a GPU, on the CPU: COMPARE_PYTHON as for TestSidesAgree.
func TestGPUSidesAgree(t *testing.T) {
	python := withTorch(t)
	script, err := writeScript(t.TempDir(), "torch_bench.py", torchBench)
	require.NoError(t, err)
	info, err := ask(context.Background(), python, script, "cuda")
	require.NoError(t, err)
	assert.True(t, info.NoCUDA != "" || info.Card != "")
	info.Card = "the CPU" // for a side at its best
	work := append([]workload{{Kind: "train", Net: "cnn-bn", Batch: 8, Class: 4, Loss: "contrastive"}}, tinyGPU...)
	for _, w := range work {
		want, err := measureJob(job{workload: w, Seconds: 1e-3, Device: "cpu"}, nil)
		require.NoError(t, err)
		for _, s := range info.sides(script) {
			if !s.does(w) {
				continue
			}
			j := job{workload: w, Threads: 1, Seconds: 1e-3, Device: "cpu", Compile: 1}
			got, err := s.do(context.Background(), j, time.Minute)
			require.NoError(t, err)
			require.Empty(t, got.Error, "%s, %s", w.name(), s.name)
			assert.InEpsilon(t, 1+want.Value, 1+got.Value, 1e-5, "%s, %s", w.name(), s.name)
			ways := []string{got.Way}
			if s.name == best && (w.Loss == "all-triplets" || w.Loss == "lifted") {
				ways = append(ways, "eager, K known")
			}
			for _, way := range ways {
				j.Way = way
				again, err := s.do(context.Background(), j, time.Minute)
				require.NoError(t, err)
				require.Empty(t, again.Error, "%s, %s, %s", w.name(), s.name, way)
				assert.Equal(t, way, again.Way)
				assert.InEpsilon(t, 1+want.Value, 1+again.Value, 1e-5, "%s, %s, %s", w.name(), s.name, way)
			}
		}
	}
}

// What the Python side does with CUDA graphs and torch.compile, without them: COMPARE_PYTHON as
// for TestSidesAgree.
func TestGraphsOfPython(t *testing.T) {
	python := withTorch(t)
	out, err := exec.Command(python, "-B", "testdata/fake_cuda.py", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
}
