package optim

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSchedules(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  ScheduleConfig
		want map[int]float64 // of 100 steps
	}{
		"constant":         {ScheduleConfig{}, map[int]float64{1: 1, 100: 1}},
		"warm-up":          {ScheduleConfig{Warmup: 4}, map[int]float64{1: 0.2, 2: 0.4, 4: 0.8, 5: 1, 100: 1}},
		"step":             {ScheduleConfig{Name: "step", Every: 30}, map[int]float64{1: 1, 30: 1, 31: 0.1, 60: 0.1, 61: 0.01}},
		"step, thirds":     {ScheduleConfig{Name: "step", Gamma: 0.5}, map[int]float64{33: 1, 34: 0.5, 67: 0.25, 100: 0.125}},
		"cosine":           {ScheduleConfig{Name: "cosine"}, map[int]float64{1: 1, 26: 0.5 + 0.5*math.Sqrt2/2, 51: 0.5, 76: 0.5 - 0.5*math.Sqrt2/2}},
		"cosine, floor":    {ScheduleConfig{Name: "cosine", Floor: 0.2}, map[int]float64{1: 1, 51: 0.6}},
		"cosine, warm-up":  {ScheduleConfig{Name: "cosine", Warmup: 20}, map[int]float64{1: 1. / 21, 20: 20. / 21, 21: 1, 61: 0.5}},
		"plateau, at rest": {ScheduleConfig{Name: "plateau"}, map[int]float64{1: 1, 100: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := NewSchedule(c.cfg, 100)
			require.NoError(t, err)
			for step, want := range c.want {
				assert.InDelta(t, want, s.Factor(step), 1e-12, "step %d", step)
			}
			for step := 1; step <= 100; step++ {
				f := s.Factor(step)
				assert.True(t, f > 0 && f <= 1, "step %d: %v", step, f)
			}
		})
	}
}

func TestPlateau(t *testing.T) {
	cfg := ScheduleConfig{Name: "plateau", Wait: 2, Gamma: 0.5, Floor: 0.2}
	made, err := NewSchedule(cfg, 100)
	require.NoError(t, err)
	s := made.(Watching)
	var got []float64
	for _, improved := range []bool{true, true, false, false, true, false, false, false, false, false, false} {
		s.Evaluated(improved)
		got = append(got, s.Factor(9))
		b, err := json.Marshal(s) // its state lives in a checkpoint
		require.NoError(t, err)
		again, err := NewSchedule(cfg, 100)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, again))
		require.Equal(t, made, again)
	}
	// Two evaluations without a better one halve the rate: the 4th, 7th and 9th, at the floor.
	require.Equal(t, []float64{1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2}, got)
}
