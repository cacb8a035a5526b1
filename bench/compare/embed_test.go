package main

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The runtimes embed the same pictures to the same vectors as the model does.
func TestRuntimesAgree(t *testing.T) {
	python := os.Getenv("MEDUSA_ONNX_PYTHON")
	if python == "" {
		t.Skip("no ONNX Runtime: MEDUSA_ONNX_PYTHON names a Python that has it")
	}
	dir := t.TempDir()
	script, err := writeScript(dir, "onnx_bench.py", onnxBench)
	require.NoError(t, err)
	r := findRuntimes(context.Background(), python, script)
	require.NotNil(t, r)
	require.NotEmpty(t, r.ONNXRuntime)
	for _, w := range embedAlone() {
		if w.Batch > 1 && (testing.Short() || slices.Contains(tunedNets, w.Net)) || w.Net == "resnet50" { // resnet18 is of its kind
			continue
		}
		t.Run(w.name(), func(t *testing.T) {
			require.NoError(t, writeModels(dir, []workload{w}))
			j := job{workload: w, Threads: 1, Seconds: 1e-3, Models: dir}
			want, err := measureJob(j, nil)
			require.NoError(t, err)
			for _, s := range r.sides(script) {
				require.True(t, s.does(w))
				got, err := s.do(context.Background(), j, time.Minute)
				require.NoError(t, err)
				require.Empty(t, got.Error, s.name)
				assert.InEpsilon(t, want.Value, got.Value, 1e-4, s.name)
				assert.Positive(t, got.Seconds, s.name)
			}
		})
	}
}

func TestNoRuntimes(t *testing.T) {
	assert.Nil(t, findRuntimes(context.Background(), none, ""))
	assert.Nil(t, findRuntimes(context.Background(), "/no/python", "x.py"))
	assert.Empty(t, (*runtimes)(nil).sides(""))
}
