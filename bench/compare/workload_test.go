package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWorkloadsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range workloads() {
		assert.False(t, seen[w.name()], w.name())
		seen[w.name()] = true
		if w.Class > 0 {
			assert.Zero(t, w.Batch%w.Class, "%s: whole classes", w.name())
		}
	}
	for _, name := range []string{"train/resnet18/32/contrastive", "infer/cnn-bn/256", "loss/all-triplets/N=2048/D=128", "loss/lifted/N=256/D=64",
		"recall@1/10000x60000/D=64", "gemm/2048", "op/gelu/forward", "op/depthwise-7x7/96/56/gradients", "start/cnn/64"} {
		assert.True(t, seen[name], name)
	}
}

func TestChoose(t *testing.T) {
	count := func(patterns string) int {
		w, err := choose(workloads(), patterns)
		require.NoError(t, err)
		return len(w)
	}
	assert.Equal(t, len(workloads()), count(""))
	assert.Equal(t, 3, count("gemm"))
	assert.Equal(t, 4, count("gemm, recall"))
	assert.Equal(t, 1, count("train/mlp/64/batch-hard"))
	assert.Equal(t, 4, count("infer/*/256"))
	assert.Equal(t, 2, count("start/cnn*/64"), "names are matched as a whole where there is a *")
	for patterns, want := range map[string]string{"gem/512": `"gem/512" fits no workload`, "gemm,": "an empty pattern", "[": "syntax error"} {
		_, err := choose(workloads(), patterns)
		assert.ErrorContains(t, err, want)
	}
}
