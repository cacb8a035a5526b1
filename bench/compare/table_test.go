package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// example is two rounds of a machine that does 100 GFLOP/s.
func example() []outcome {
	gemm := workload{Kind: "gemm", Size: 1000, target: 1}
	start := workload{Kind: "start", Net: "mlp", Batch: 64, target: 5, memory: memory{kind: "process", target: 3}}
	lifted := workload{Kind: "loss", Loss: "lifted", Batch: 256, Size: 64, target: 500, library: true, memory: memory{kind: "extra", below: 10e6}}
	return []outcome{
		{workload{Kind: "peak"}, 2, map[string][]measured{ours: {{Seconds: 1, Rate: 90, Cores: 1.5}, {Seconds: 1, Rate: 110, Cores: 1.5}}}},
		{gemm, 2, map[string][]measured{
			ours:  {{Seconds: 0.025, Cores: 2, Value: 1}, {Seconds: 0.025, Cores: 1.9, Value: 1}},
			torch: {{Seconds: 0.05, Cores: 1.5, Value: 2, Way: "so and so"}, {Seconds: 0.1, Cores: 1.5, Value: 2}},
		}},
		{start, 1, map[string][]measured{
			ours:  {{Started: 0.02, Peak: 100e6}},
			torch: {{Started: 0.8, Peak: 260e6}},
		}},
		{lifted, 1, map[string][]measured{
			ours:    {{Seconds: 0.004, Before: 10e6, Peak: 18e6, Value: 2}},
			torch:   {{Seconds: 0.008, Before: 200e6, Peak: 210e6, Value: 2.0001}},
			library: {{Error: "no result in 2m0s"}},
		}},
	}
}

func TestTabulate(t *testing.T) {
	rows := tabulate(example(), []string{ours, torch, library})
	require.Len(t, rows, 8)
	peak, gemm, first, memory := rows[0], rows[1], rows[2], rows[3]
	assert.Equal(t, "100 GFLOP/s", peak.Rate)
	assert.Contains(t, peak.Note, "cores that they had: 1.50")

	assert.Equal(t, summary{Median: 3, Low: 2, High: 4}, gemm.Ratio)
	assert.Equal(t, "80.0 GFLOP/s", gemm.Rate)
	assert.Equal(t, "80 % of peak; VALUES DIFFER: 1 and 2; so and so", gemm.Note)
	assert.Equal(t, "yes", gemm.Met)

	assert.Equal(t, "≥ 5×, ≤ 300 ms", first.Target)
	assert.Equal(t, "yes", first.Met)
	assert.InDelta(t, 2.6, memory.Ratio.Median, 1e-12)
	assert.Equal(t, "no", memory.Met)

	hand, handMemory, lib := rows[4], rows[6], rows[5]
	assert.Equal(t, torch, hand.Rival)
	assert.InDelta(t, 2, hand.Ratio.Median, 1e-12)
	assert.Empty(t, hand.Target, "the aim is set against the library")
	assert.Equal(t, "≥ 500×", lib.Target)
	assert.Empty(t, hand.Note, "values are near enough")
	assert.Equal(t, "extra memory", handMemory.Quantity)
	assert.Equal(t, 8e6, handMemory.Ours.Median)
	assert.Equal(t, "yes", handMemory.Met)
	assert.Equal(t, library, lib.Rival)
	assert.Zero(t, lib.Ratio)
	assert.Empty(t, lib.Met, "no ratio, no verdict")
	assert.Equal(t, library+" failed: no result in 2m0s", lib.Note)
}

func TestTabulateWithoutRival(t *testing.T) {
	for _, r := range tabulate(example(), []string{ours}) {
		assert.Empty(t, r.Rival, r.Workload)
		assert.Zero(t, r.Ratio, r.Workload)
		if strings.Contains(r.Target, "×") {
			assert.Empty(t, r.Met, "%s: a part of the aim cannot be told", r.Workload)
		}
	}
}

func TestMarkdown(t *testing.T) {
	m := hardware{Processor: "a processor", Repeat: 2, Torch: &torchInfo{Torch: "1.13", BLAS: "libblas.so.3", Slow: true}}
	r := newReport(m, example(), []string{ours, torch})
	text := r.markdown()
	assert.Contains(t, text, "| gemm/1000 | 2 | 25.0 ms (25.0–25.0) | 80.0 GFLOP/s | pytorch | 75.0 ms (50.0–100) | 3.00 (2.00–4.00) | ≥ 1× | yes | 1.95, 1.50 |")
	assert.Contains(t, text, "| start/mlp/64, memory | 1 | 100 MB (100–100) |")
	assert.Contains(t, text, "- NOT FAIR")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") {
			assert.Equal(t, 12, strings.Count(line, "|"), line)
		}
	}

	dir := t.TempDir() + "/new"
	paths, err := r.write(dir)
	require.NoError(t, err)
	require.Len(t, paths, 2)
	stored, err := os.ReadFile(paths[1])
	require.NoError(t, err)
	var back report
	require.NoError(t, json.Unmarshal(stored, &back))
	assert.Equal(t, r.Rows, back.Rows)
	assert.Equal(t, r.Raw, back.Raw)
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1234.4: "1234", 123.4: "123", 12.34: "12.3", 0.1234: "0.123", 0.0012344: "0.00123", 1: "1.00"} {
		assert.Equal(t, want, digits(v))
	}
}
