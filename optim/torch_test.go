package optim

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every solver goes the way of PyTorch's in float64, with weight decay, groups of parameters,
// clipping by norm and by value, and a schedule.
func TestTrajectoriesOfPyTorch(t *testing.T) {
	raw, err := os.ReadFile("testdata/torch.json")
	require.NoError(t, err)
	var golden struct {
		Shape        []int
		Weight, Bias []float64
		Grads        [][2][]float64
		Cases        map[string]struct {
			Config    Config
			Clip      float64
			ClipValue float64 `json:"clip_value"`
			Cosine    bool
			Bias      struct{ LR, Decay float64 }
			Steps     [][2][]float64
		}
	}
	require.NoError(t, json.Unmarshal(raw, &golden))
	require.Len(t, golden.Cases, 12)
	for name, c := range golden.Cases {
		t.Run(name, func(t *testing.T) {
			in := feed(t, golden.Shape, golden.Weight, golden.Bias)
			c.Config.DecayAll = true // as PyTorch
			s, err := New(c.Config, in.tensors, Options{Clip: c.Clip, ClipValue: c.ClipValue, Groups: []Group{{Names: "w1", LR: c.Bias.LR, Decay: c.Bias.Decay}}})
			require.NoError(t, err)
			schedule, err := NewSchedule(ScheduleConfig{}, len(c.Steps))
			if c.Cosine {
				schedule, err = NewSchedule(ScheduleConfig{Name: "cosine"}, len(c.Steps))
			}
			require.NoError(t, err)
			for i, want := range c.Steps {
				in.give(t, golden.Grads[i][0], golden.Grads[i][1])
				_, err := s.Step(in.loss, c.Config.LR*schedule.Factor(i+1))
				require.NoError(t, err)
				for k, tensor := range in.tensors {
					// 12 steps in float32 on weights of size 1; PyTorch adds 1e-6 to the norm that it clips.
					require.InDeltaSlice(t, want[k], double(tensor.Weights), 3e-6, "step %d, %s", i+1, tensor.Name)
				}
			}
		})
	}
}
