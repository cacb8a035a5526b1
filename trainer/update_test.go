package trainer

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/optim"
)

// oneStep is how one step of plain SGD moves every tensor.
func oneStep(t *testing.T, cfg Config) map[string][]float64 {
	cfg.Steps, cfg.Schedule, cfg.Solver.Name = 1, optim.ScheduleConfig{}, "sgd"
	cfg.Net.Dropout, cfg.Data.Val, cfg.Data.Test = 0, "none", "none"
	tr := start(t, cfg, Options{})
	old := map[string][]float64{}
	for _, s := range tr.solver.Tensors() {
		old[s.Name] = double(s.Weights)
	}
	_, err := tr.Run(context.Background())
	require.NoError(t, err)
	moved := map[string][]float64{}
	for _, s := range tr.solver.Tensors() {
		for i, v := range double(s.Weights) {
			moved[s.Name] = append(moved[s.Name], v-old[s.Name][i])
		}
	}
	return moved
}

func length(moved map[string][]float64) float64 {
	sum := 0.0
	for _, x := range moved {
		for _, v := range x {
			sum += v * v
		}
	}
	return math.Sqrt(sum)
}

func TestClipBoundsTheGlobalNorm(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Solver.LR, cfg.Clip, cfg.Loss = 1, 0, "triplet" // class weights learn at a rate of their own
	free := length(oneStep(t, cfg))
	cfg.Clip = free / 3
	require.InDelta(t, free/3, length(oneStep(t, cfg)), 1e-4*free)
	cfg.Clip = free * 3
	require.InDelta(t, free, length(oneStep(t, cfg)), 1e-6*free, "a smaller gradient is left alone")
}

func TestLossLR(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Solver.LR, cfg.Clip = 0.01, 0
	one := oneStep(t, cfg)
	cfg.Solver.LossLR = 3
	three := oneStep(t, cfg)
	require.Contains(t, one, "loss.classifier.weight")
	for name, x := range one {
		factor := 1.0
		if name == "loss.classifier.weight" {
			factor = 3
		}
		for i, v := range x {
			require.InDelta(t, factor*v, three[name][i], 1e-6, name)
		}
	}
}

func double(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
